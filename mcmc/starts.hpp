#pragma once

#include <vector>

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"

namespace eqp::mcmc {

/// Where chains may start. The defaults are Stan's.
struct StartOptions {
  // Of every coordinate, or one number for all of them.
  std::vector<double> low = {-2}, high = {2};
  std::uint32_t attempts = 100;  // points to try for each chain
};

/// A start for each chain, (chains, dim): the first of its points, uniform between low and high,
/// where energy and gradient are finite. Point a of chain i is a function of the key, a and i.
/// Throws std::invalid_argument for options that make no sense, and for the first chain without a
/// start, telling how many points had no finite energy, how many no finite gradient, and what
/// happened at the last one. What the energy throws comes through.
ad::Tensor find_starts(const Energy& energy, std::size_t dim, std::size_t chains, ad::Key key,
                       const StartOptions& options = {});

}  // namespace eqp::mcmc
