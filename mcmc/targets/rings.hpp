#pragma once

#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

struct RingsOptions {
  std::vector<double> radii = {1, 2, 3, 4};
  double std = 0.15;            ///< of the radius
  std::vector<double> weights;  ///< one per radius, any scale; empty: equal
};
/// Radius from a mixture of N(radii_k, std^2), uniform angle: p(x) = p_r(|x|) / (2 pi |x|) in the
/// plane. Negative radii are neglected (probability Phi(-radius/std): 1e-11 by default), and |x| is
/// smoothed to sqrt(|x|^2 + 1e-12), which keeps the pole at the origin finite. Throws
/// std::invalid_argument unless the radii are positive, std is positive and the weights fit.
Target rings(const RingsOptions& options = {});

}  // namespace eqp::mcmc
