#pragma once

#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

struct GaussianOptions {
  std::vector<double> mean;        ///< (d)
  std::vector<double> covariance;  ///< (d, d)
};
/// N(mean, covariance). Throws std::invalid_argument unless the mean is finite, the covariance
/// symmetric and positive definite, and the sizes agree.
Target gaussian(const GaussianOptions& options);

struct GaussianMixtureOptions {
  std::vector<double> weights;                   ///< (k), any scale; empty: equal
  std::vector<std::vector<double>> means;        ///< k times (d)
  std::vector<std::vector<double>> covariances;  ///< k times (d, d)
};
/// sum_k w_k N(mean_k, covariance_k). Throws std::invalid_argument as gaussian does, and for
/// negative weights or weights of sum 0.
Target gaussian_mixture(const GaussianMixtureOptions& options);

struct IsotropicMixtureOptions {
  std::vector<double> weights;             ///< (k), any scale; empty: equal
  std::vector<std::vector<double>> means;  ///< k times (d)
  std::vector<double> variances;           ///< (k)
};
/// sum_k w_k N(mean_k, variance_k I). Throws std::invalid_argument like gaussian_mixture.
Target isotropic_mixture(const IsotropicMixtureOptions& options);

struct EightGaussiansOptions {
  double radius = 1, std = 0.15;
  std::vector<double> weights;  ///< (8), any scale; empty: equal
};
/// Component i of standard deviation `std` around radius (cos 2 pi i/8, sin 2 pi i/8): the options
/// of an isotropic_mixture.
IsotropicMixtureOptions eight_gaussians_mixture(const EightGaussiansOptions& options);
Target eight_gaussians(const EightGaussiansOptions& options = {});

}  // namespace eqp::mcmc
