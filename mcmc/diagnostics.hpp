#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "autodiff/tensor.hpp"

// Have the chains mixed, and how much is a correlated or weighted sample worth?
//
// Every diagnostic of chains splits each chain into halves first (an odd draw in the middle is
// dropped), so that a trend within a chain counts as disagreement. Nothing is hidden: a draw that
// is not finite, or draws that are all equal, give NaN; chains that are each constant but at
// different places give R-hat = infinity.
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

/// Split R-hat: sqrt(((n-1)/n W + B/n) / W), n draws per half chain, W the mean variance within the
/// halves, B/n the variance of their means (Gelman et al. 2013, section 11.4). Needs at least 4
/// draws per chain.
double split_rhat(const ChainValues& x);

/// Rank-normalised split R-hat: the larger of split_rhat of the normal scores of the ranks
/// (location) and of those of |x - median| (scale) (Vehtari et al. 2021). Fine
/// below 1.01.
double rhat(const ChainValues& x);

/// The largest rhat over the coordinates of draws (chains, draws, d); NaN if one of them is NaN.
/// Needs at least 1 coordinate.
double max_rhat(ad::ConstView draws);

/// Effective number of independent draws for the mean of x, over all chains, with Geyer's initial
/// monotone sequence (Vehtari et al. 2021). At most S log10 S of S draws. Costs draws *
/// lags until the sequence ends.
double ess_mean(const ChainValues& x);

/// ess_mean of the normal scores of the ranks: exists without moments (Vehtari et al. 2021,
/// "bulk-ESS").
double ess_bulk(const ChainValues& x);

/// Monte Carlo standard error of the mean of all draws: sd / sqrt(ess_mean).
double mcse_mean(const ChainValues& x);

/// (sum w)^2 / sum w^2 of log weights, between 1 and n: n for equal weights. 0 if all weights are
/// 0, NaN if one is NaN or +infinity.
double importance_ess(std::span<const double> log_weights);

/// log(1/n sum exp(a_i)) without overflow: of log weights, an estimate of a log-normaliser.
/// -infinity if all are; NaN if one is NaN. Needs at least one value.
double log_mean_exp(std::span<const double> a);

}  // namespace eqp::mcmc
