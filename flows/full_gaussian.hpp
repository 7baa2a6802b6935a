#pragma once

#include <span>
#include <vector>

#include "flows/flow.hpp"

namespace eqp::flows {

/// A Gaussian with any covariance, fixed.
class FullGaussian : public Base {
 public:
  /// N(mean, covariance): mean (d), covariance (d, d) row-major. Throws std::invalid_argument
  /// unless it is symmetric and positive definite, and the mean finite.
  FullGaussian(std::vector<double> mean, std::span<const double> covariance);
  /// N(mean, precision^-1).
  static FullGaussian with_precision(std::vector<double> mean, std::span<const double> precision);

  std::size_t dim() const override { return mean_.size(); }
  ad::Var draw(ad::Var noise) const override;
  ad::Var log_prob(ad::Var z) const override;

 private:
  FullGaussian() = default;

  std::vector<double> mean_;
  // Row vectors: z = mean + noise from_noise, noise = (z - mean) to_noise; (d, d) both.
  ad::Tensor from_noise_, to_noise_;
  double log_norm_ = 0;
};

struct LatticeOptions {
  std::size_t sites = 64;
  double a = 0.1;
  double beta = 20;
};
/// The coupled Gaussian base of the phi^4 chain (Gabrie, Rotskoff & Vanden-Eijnden 2022): sites
/// x_1 ... x_N between x_0 = x_{N+1} = 0 with the precision
///   beta tridiag(-c, 2 c + 1 / c, -c),  c = a N.
/// Throws std::invalid_argument without sites or unless a and beta are finite and positive.
FullGaussian lattice_gaussian(const LatticeOptions& options = {});

}  // namespace eqp::flows
