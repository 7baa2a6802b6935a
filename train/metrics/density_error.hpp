#pragma once

#include <span>

// How far a normalised model density is from the true one, at points drawn from the truth.
namespace eqp::train {

struct DensityError {
  /// median of (log p_model - log p_true)^2 (Grenioux et al. 2023, table 1)
  double median_squared;
  double kl;                 ///< mean of log p_true - log p_model: estimates KL(true || model)
  double kl_standard_error;  ///< of kl, for independent points; NaN for one point
};

/// log_model (n) is unnormalised: log p_model = log_model - log_z. log_true (n) is normalised, and
/// the points are draws from it (the median makes sense at others as well). A NaN anywhere makes
/// every number NaN; a model density of 0 at a point makes kl infinite. Throws
/// std::invalid_argument for no points or unequal numbers of values.
DensityError density_error(std::span<const double> log_model, double log_z,
                           std::span<const double> log_true);

}  // namespace eqp::train
