#pragma once

#include "mcmc/run.hpp"
#include "mcmc/targets/posteriors/posterior.hpp"

// The sampler of the experiment `posteriors`, behind one function.
namespace eqp {

struct SampleOptions {
  std::size_t chains = 64;
  std::uint32_t warmup = 800, steps = 2000;
  mcmc::Metric::Kind metric = mcmc::Metric::Kind::dense;
  double target_accept = 0;  // 0: as suits the posterior
  std::size_t max_depth = 10;
  ad::Key key;
  ad::Keeper* keeper = nullptr;    // see mcmc::RunOptions
  mcmc::DrawSink* sink = nullptr;  // see mcmc::RunOptions
};

/// The No-U-Turn sampler from mcmc::find_starts, with Stan's warm-up over all chains together.
/// Draws (chains, steps, d) are unconstrained; fewer steps after an interruption.
mcmc::RunResult sample(const mcmc::Posterior& posterior, const SampleOptions& options);

}  // namespace eqp
