#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "autodiff/tensor.hpp"

// One scalar of several chains, and what the diagnostics of chains do with it. All in double.
//
// Every diagnostic splits each chain into halves first (an odd draw in the middle is dropped), so
// that a trend within a chain counts as disagreement. Nothing is hidden: a draw that is not
// finite, or draws that are all equal, give NaN; chains that are each constant but at different
// places give R-hat = infinity.
namespace eqp::mcmc {

/// One scalar of several chains of equal length. values (chains, draws)
struct ChainValues {
  std::size_t chains, draws;
  std::vector<double> values;

  std::span<const double> chain(std::size_t c) const {
    return std::span(values).subspan(c * draws, draws);
  }
};

/// Coordinate j of recorded draws (chains, draws, d), or (chains, draws) with j = 0.
ChainValues coordinate(ad::ConstView draws, std::size_t j);

/// Draws [first, first + draws) of every chain.
ChainValues part(const ChainValues& x, std::size_t first, std::size_t draws);

bool all_finite(const ChainValues& x);

struct MeanVariance {
  double mean, variance;  // variance with n - 1
};

/// Relative to the first value, so that equal values have variance 0 and not a rounding error.
MeanVariance mean_variance(std::span<const double> x);

std::vector<double> sorted(std::vector<double> values);

/// The quantile at p of sorted values, linear between them: R's type 7, NumPy's default. Needs at
/// least one value.
double quantile(std::span<const double> sorted, double p);

/// The first and the second half of every chain, as chains of their own. Throws
/// std::invalid_argument unless there is at least 1 chain of 4 draws.
ChainValues split(const ChainValues& x);

/// Phi^-1((rank - 3/8) / (S + 1/4)), ties sharing their mean rank (Blom 1958; Vehtari et al.
/// 2021).
ChainValues normal_scores(const ChainValues& x);

/// |x - median|: turns a difference in scale into one in location.
ChainValues folded(ChainValues x);

/// W, the mean variance within chains, and the estimate (n-1)/n W + B/n of the variance of the
/// target, n draws per chain, B/n the variance of the chains' means (Gelman et al. 2013, eq. 11.3).
struct Variances {
  double within, total;
};

Variances variances(const ChainValues& x);

}  // namespace eqp::mcmc
