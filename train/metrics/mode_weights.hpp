#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "autodiff/tensor.hpp"

// Does a sample, or a model, carry the right mass in each mode?
namespace eqp::train {

/// A partition of space into `count` modes: of(x) is the number of the mode that owns the point x
/// (d).
struct Modes {
  std::function<std::size_t(std::span<const Real> x)> of = [](std::span<const Real>) { return 0; };
  std::size_t count = 1;

  /// of(x), or std::invalid_argument if that is no number below count.
  std::size_t checked(std::span<const Real> x) const;
};

/// Number of rows of x (n, d) in each mode. A row that is not finite belongs to no mode, so the
/// counts sum to less than n.
std::vector<std::size_t> mode_counts(ad::ConstView x, const Modes& modes);

/// Deviation of estimated mode weights w^ from the exact weights w over K modes.
struct WeightError {
  double mse;      ///< 1/K sum_k (w^_k - w_k)^2 (Grenioux et al. 2023, table 3)
  double rmse;     ///< its square root
  double max_abs;  ///< max_k |w^_k - w_k|
};

/// For weights without sampling error: masses by quadrature. NaN weights give NaN.
WeightError weight_error(std::span<const double> estimated, std::span<const double> exact);

/// The same of counts in a sample, beside what sampling alone would do.
struct SampleWeightError {
  WeightError error;  ///< of w^_k = counts_k / samples
  double floor;       ///< expected mse of exact independent samples: weight_error_floor
  double max_z;       ///< max_k |w^_k - w_k| / sqrt(w_k (1 - w_k) / samples)
};

/// `samples` is the size of the whole sample, at least the sum of the counts: lost samples are
/// missing weight. max_z is infinite for a sample in a mode of weight 0.
SampleWeightError weight_error(std::span<const std::size_t> counts, std::size_t samples,
                               std::span<const double> exact);

/// sum_k w_k (1 - w_k) / (K M): the expected mse of the mode fractions of M independent exact
/// samples (the variance of a multinomial fraction, averaged over the K modes).
double weight_error_floor(std::span<const double> exact, std::size_t samples);

}  // namespace eqp::train
