#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "autodiff/sum_of.hpp"
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

/// An energy of NaN or -infinity, which no density has, counts as +infinity: no proposal is taken
/// there, and a chain that is there after a refresh takes any proposal of finite energy.
inline double proper_energy(double energy) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return energy > -infinity ? energy : infinity;
}

/// Accepts chain i's proposal y with probability min(1, exp(U(x) - U(y) + correction)), in which
/// x is the current state and the correction is log q(x | y) - log q(y | x); a NaN is a rejection.
/// The uniform sits at the chain's address, whatever the others do.
inline bool metropolis(double current, double proposed, double correction, const ad::BlockRng& rng,
                       std::size_t i, Counts& counts) {
  const double log_ratio = proper_energy(current) - proper_energy(proposed) + correction;
  const double probability = std::isnan(log_ratio) ? 0 : std::min(1.0, std::exp(log_ratio));
  counts.accepted += probability;
  counts.proposed += 1;
  return rng.uniform(i) < probability;
}

}  // namespace eqp::mcmc
