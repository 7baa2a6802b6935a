#pragma once

#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

struct BananaOptions {
  std::size_t dim = 2;      ///< even
  double std = 10;          ///< of the first coordinate of a pair
  double curvature = 0.02;  ///< of the parabola, in units of 1 / length
};
/// Pairs (a, b) with a ~ N(0, std^2) and b | a ~ N(curvature (a^2 - std^2), 1) (Haario, Saksman &
/// Tamminen 1999, every pair bent). Throws std::invalid_argument unless dim is even and positive
/// and std positive.
Target banana(const BananaOptions& options = {});

}  // namespace eqp::mcmc
