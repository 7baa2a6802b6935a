#pragma once

#include <functional>
#include <optional>

#include "mcmc/adapt.hpp"
#include "mcmc/chains.hpp"
#include "mcmc/warmup.hpp"

namespace eqp::mcmc {

struct RunOptions {
  std::uint32_t steps = 1000;  // recorded phase
  std::uint32_t warmup = 0;    // steps before it, discarded
  std::uint32_t thin = 1;      // every thin-th step is recorded
  std::size_t block = 0;       // chains per task; 0: as many as the kernel likes
  ad::Key key;
  double target_accept = 0;  // adapt the step size to it during warm-up; 0: leave it alone
  double largest_step = 0;   // cap of the adapted step size; 0: none
  /// Adapts step size and metric during warm-up as Stan does, in the place of target_accept.
  std::optional<WarmupOptions> adapt = {};
  /// Asked now and then; once true, the run ends and `draws` holds what was recorded by then.
  std::function<bool()> stop = {};
};

struct RunResult {
  ad::Tensor draws;       // (chains, steps / thin, d)
  ad::Tensor last;        // (chains, d)
  Counts counts;          // of the recorded phase; of an alternation the local moves
  Counts global;          // of an alternation the global moves
  std::size_t block = 0;  // chains per task
  double step_size = 0;   // of the recorded phase; 0 for a kernel without one to adapt
  Metric metric;          // of the recorded phase; unit for a kernel without one
  std::string warning;    // in plain words, about the recorded phase; empty: none
};

/// Throws std::invalid_argument naming the first option that makes no sense.
void check(const RunOptions& options, bool adaptable);

/// What to know about proposals whose energy was not finite, and about trajectories that diverged
/// or might not grow any longer; empty if there were none.
std::string warning(const Counts& counts, const Counts& global);

/// The first `kept` draws of every chain: (chains, draws, d) -> (chains, kept, d).
ad::Tensor first_draws(ad::ConstView draws, std::size_t kept);

/// Runs kernel from x0 (n, d): warm-up, in which the step size may adapt to the mean acceptance
/// over all chains, or step size and metric
/// as in mcmc/warmup.hpp, then with both frozen the recorded phase. Chain i's draws depend on the
/// key and i, not on threads; on the block size only through rounding.
template <Kernel K>
RunResult run(K kernel, ad::ConstView x0, const RunOptions& options) {
  check(options, Adaptable<K>);
  Chains<K> chains(kernel, x0, options.block);
  RunResult result;
  result.block = chains.block();
  const auto stopped = [&] { return options.stop && options.stop(); };
  if constexpr (Adaptable<K>) {
    if (options.adapt) {
      warm_up(kernel, chains, *options.adapt, options.warmup, options.key, stopped);
    } else if (options.target_accept > 0) {
      const StepSizeAdapter adapter({options.target_accept, options.largest_step});
      for (std::uint32_t t = 0; t < options.warmup && !stopped(); ++t) {
        chains.reset_counts();
        chains.advance(kernel, t, 1, options.key);
        const Counts counts = chains.counts();
        if (counts.proposed > 0) adapter.update(kernel.step_size(), counts.rate());
      }
    } else {
      chains.advance(kernel, 0, options.warmup, options.key);
    }
    result.step_size = kernel.step_size();
    if constexpr (Preconditioned<K>) result.metric = kernel.metric();
  } else {
    chains.advance(kernel, 0, options.warmup, options.key);
  }
  chains.reset_counts();

  const std::size_t kept = options.steps / options.thin, d = x0.shape[1];
  result.draws = ad::Tensor({x0.rows(), kept, d});
  const auto record = [&](std::size_t first_chain, std::uint32_t step, ad::ConstView x) {
    const std::uint32_t done = step - options.warmup + 1;
    if (done % options.thin != 0) return;
    const std::size_t at = done / options.thin - 1;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      std::ranges::copy(x.row(i), &result.draws[((first_chain + i) * kept + at) * d]);
    }
  };
  // Without somebody to ask, a task is all steps of a block.
  const std::uint32_t slice = options.stop ? 32 : options.steps;
  std::uint32_t done = 0;
  while (done < options.steps && !stopped()) {
    const std::uint32_t steps = std::min(slice, options.steps - done);
    chains.advance(kernel, options.warmup + done, steps, options.key, record);
    done += steps;
  }
  if (done < options.steps) result.draws = first_draws(result.draws, done / options.thin);
  result.last = chains.positions();
  result.counts = chains.counts();
  result.global = chains.global_counts();
  result.warning = warning(result.counts, result.global);
  return result;
}

}  // namespace eqp::mcmc
