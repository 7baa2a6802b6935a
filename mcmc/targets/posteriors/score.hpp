#pragma once

#include "mcmc/diagnostics.hpp"
#include "mcmc/targets/posteriors/posterior.hpp"

namespace eqp::mcmc {

/// Mean and standard deviation of one quantity of chains, with their Monte Carlo standard errors,
/// beside the reference.
struct Score {
  std::string quantity;
  double mean, mean_error;  ///< sd / sqrt(ess_mean)
  double sd, sd_error;      ///< by the delta method, from mcse_mean of (q - mean)^2
  double ess_bulk, rhat;
  std::optional<ReferenceMoments> reference;
  /// (ours - reference) / sqrt(sum of squared standard errors); NaN without a reference. The sd of
  /// the reference has the error of as many independent draws of the kurtosis of ours.
  double z_mean, z_sd;
};

/// One score for each quantity.  draws (chains, draws, d) of the unconstrained parameters. Throws
/// std::invalid_argument for other shapes and for fewer than 4 draws per chain.
std::vector<Score> scores(const Posterior& posterior, ad::ConstView draws);

/// The largest |z| over means and standard deviations; infinity if one is NaN for want of spread
/// or of finite draws, 0 without a reference.
double worst_z(const std::vector<Score>& scores);

/// The smallest ess_bulk; NaN if one is NaN.
double least_ess(const std::vector<Score>& scores);

}  // namespace eqp::mcmc
