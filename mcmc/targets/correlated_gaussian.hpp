#pragma once

#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

struct CorrelatedGaussianOptions {
  std::size_t dim = 100;
  double condition = 1000;  ///< largest over smallest eigenvalue of the covariance
  ad::Key key = {1, 0};     ///< of the rotation
};
/// N(0, Q D Q') with the eigenvalues D from condition^-1/2 to condition^1/2, equally spaced in
/// their logarithms, and a uniformly random rotation Q: no coordinate is along an axis, so that
/// scaling the coordinates helps little. Throws std::invalid_argument unless dim is at least 2 and
/// condition a number of at least 1.
Target correlated_gaussian(const CorrelatedGaussianOptions& options = {});

}  // namespace eqp::mcmc
