#pragma once

#include <functional>

#include "mcmc/kernel.hpp"
#include "mcmc/targets/posteriors/posterior.hpp"

// The sampler of the experiment `posteriors`, behind one function.
namespace eqp {

struct SampleOptions {
  std::size_t chains = 64;
  std::uint32_t warmup = 800, steps = 2000;
  ad::Key key;
};

struct Sample {
  ad::Tensor draws;     // (chains, steps, d), unconstrained; fewer steps after an interruption
  mcmc::Counts counts;  // of the recorded phase
  std::uint64_t warmup_gradients = 0;
  double warmup_seconds = 0, seconds = 0;  // wall-clock; recording of programs is warm-up
  double step_size = 0;
  std::string warning;  // in plain words; empty: none
};

/// Hamiltonian Monte Carlo with a fixed number of leapfrog steps from mcmc::starts, in coordinates
/// in which the draws of earlier windows of the warm-up had mean 0 and covariance I. Throws
/// std::invalid_argument for a warm-up of fewer than 12 steps.
Sample sample(const mcmc::Posterior& posterior, const SampleOptions& options);

}  // namespace eqp
