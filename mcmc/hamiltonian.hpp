#pragma once

#include <span>

#include "autodiff/sum_of.hpp"
#include "mcmc/metropolis.hpp"

// What Hamiltonian kernels share.
namespace eqp::mcmc {

/// An energy error beyond which a transition counts as a divergence, as in Stan.
inline constexpr double kDivergence = 1000;

/// |q|^2 / 2 of a momentum in the units of mcmc/metric.hpp.
inline double kinetic_energy(std::span<const Real> q) {
  return ad::sum_of(q.size(), [=](std::size_t j) { return double(q[j]) * double(q[j]); }) / 2;
}

}  // namespace eqp::mcmc
