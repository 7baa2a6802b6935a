#pragma once

#include <algorithm>
#include <cmath>

#include "mcmc/energy.hpp"
#include "mcmc/kernel.hpp"

// What Metropolis kernels share.
namespace eqp::mcmc {

/// U (n) and grad U (n, d) of x (n, d), compiled per number of chains.
inline ad::Batched value_and_grad(const Energy& energy, std::size_t dim) {
  return {{ad::Shape{dim}}, [energy](std::span<const ad::Var> in) -> ad::Vars {
            const ad::Var u = energy(in[0]);
            return {u, ad::grad(u, in[0])};
          }};
}

/// Runs a workspace whose one input is a position.
inline void evaluate(ad::Workspace& at, ad::ConstView x) {
  std::ranges::copy(x.flat(), at.in(0).data);
  at.run();
}

/// Accepts chain i's proposal with probability min(1, exp(log_ratio)); a NaN ratio is a rejection.
/// The uniform sits at the chain's address, whatever the others do.
inline bool metropolis(double log_ratio, const ad::BlockRng& rng, std::size_t i, Counts& counts) {
  const double probability = std::isnan(log_ratio) ? 0 : std::min(1.0, std::exp(log_ratio));
  counts.accepted += probability;
  counts.proposed += 1;
  return rng.uniform(i) < probability;
}

}  // namespace eqp::mcmc
