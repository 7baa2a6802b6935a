#pragma once

#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

struct FunnelOptions {
  std::size_t dim = 10;
  double variance = 9;  ///< of the first coordinate
};
/// x_1 ~ N(0, variance), x_j | x_1 ~ N(0, exp(x_1)) for j > 1 (Neal 2003, section 8). The energy
/// overflows to +infinity for x_1 far below 0. Throws std::invalid_argument unless dim is at least
/// 2 and the variance positive.
Target funnel(const FunnelOptions& options = {});

}  // namespace eqp::mcmc
