#pragma once

#include <cmath>
#include <numbers>

#include "mcmc/energy.hpp"

// Parts of energies that models share: -log densities with their constants. Scale parameters s are
// known by their logarithms t, whose densities have the Jacobian s.
namespace eqp::mcmc {

inline constexpr double kLogSqrt2Pi = 0.91893853320467274178;  // log sqrt(2 pi)

/// Column j.  x (n, d) -> (n)
inline ad::Var column(ad::Var x, std::size_t j) {
  return reshape(slice(x, 1, j, j + 1), {x.shape()[0]});
}

/// v_j ~ N(0, scale), independent.  v (n, k) -> (n)
inline ad::Var normal_energy(ad::Var v, double scale) {
  return sum(square(v), std::size_t(1)) * (0.5 / (scale * scale)) +
         double(v.shape()[1]) * (kLogSqrt2Pi + std::log(scale));
}

/// exp(t) ~ half-Cauchy(0, scale).  t (n) -> (n)
inline ad::Var log_half_cauchy_energy(ad::Var t, double scale) {
  return softplus(2 * (t - std::log(scale))) - t + std::log(0.5 * std::numbers::pi * scale);
}

/// exp(t) ~ half-N(0, scale).  t (n) -> (n)
inline ad::Var log_half_normal_energy(ad::Var t, double scale) {
  return 0.5 * exp(2 * (t - std::log(scale))) - t + (kLogSqrt2Pi + std::log(0.5 * scale));
}

}  // namespace eqp::mcmc
