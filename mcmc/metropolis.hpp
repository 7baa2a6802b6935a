#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "mcmc/energy.hpp"
#include "mcmc/kernel.hpp"

// What kernels share.
namespace eqp::mcmc {

/// U (n) of x (n, d), compiled per number of chains.
ad::Batched value(const Energy& energy, std::size_t dim);

/// U (n) and grad U (n, d) of x (n, d), compiled per number of chains.
ad::Batched value_and_grad(const Energy& energy, std::size_t dim);

/// Throws std::invalid_argument unless h > 0 and finite; returns it.
double checked_step_size(const char* kernel, double h);

/// A workspace for the chains x0. Throws std::invalid_argument unless x0 is (n, dim) with n >= 1.
ad::Workspace workspace_for(const char* kernel, const ad::Batched& program, std::size_t dim,
                            ad::ConstView x0);

/// Throws std::invalid_argument at the first chain with an output that is not finite; `names` says
/// what the outputs are. Row 0 is chain first_chain.
void check_start(const char* kernel, const ad::Workspace& at,
                 std::initializer_list<const char*> names, std::size_t first_chain);

/// Runs a workspace whose one input is a position.
inline void evaluate(ad::Workspace& at, ad::ConstView x) {
  std::ranges::copy(x.flat(), at.in(0).data);
  at.run();
}

/// Evaluates what kernels with a gradient keep about their positions, one evaluation per chain.
template <class State>
void cache_energy_and_gradient(State& s) {
  evaluate(s.at, s.position);
  std::ranges::copy(s.at.out(0).flat(), s.energy.begin());
  std::ranges::copy(s.at.out(1).flat(), s.gradient.flat().begin());
  s.counts.gradients += s.energy.size();
}

/// Accepts chain i's proposal with probability min(1, exp(log_ratio)); a NaN ratio is a rejection.
/// The uniform sits at the chain's address, whatever the others do.
inline bool metropolis(double current, double proposed, double correction, const ad::BlockRng& rng,
                       std::size_t i, Counts& counts) {
  const double log_ratio = current - proposed + correction;
  const double probability = std::isnan(log_ratio) ? 0 : std::min(1.0, std::exp(log_ratio));
  counts.accepted += probability;
  counts.proposed += 1;
  return rng.uniform(i) < probability;
}

}  // namespace eqp::mcmc
