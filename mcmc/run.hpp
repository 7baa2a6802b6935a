#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "mcmc/adapt.hpp"
#include "mcmc/chains.hpp"
#include "mcmc/ladder.hpp"
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
  /// Keeps the state of the run now and then, and a run that begins goes on from what it kept, with
  /// the same bits as if it had never been stopped; null: none. The kernel must be Resumable.
  ad::Keeper* keeper = nullptr;
};

struct RunResult {
  ad::Tensor draws;                    // (chains, steps / thin, d)
  ad::Tensor last;                     // (chains, d)
  Counts counts;                       // of the recorded phase; of an alternation the local moves
  Counts global;                       // of an alternation the global moves
  std::uint64_t warmup_gradients = 0;  // of both kernels
  double warmup_seconds = 0, seconds = 0;  // of advancing the chains, in this process
  std::size_t block = 0;                   // chains per task
  double step_size = 0;  // of the recorded phase; 0 for a kernel without one to adapt
  LadderReport ladder;   // of parallel tempering
  Metric metric;         // of the recorded phase; unit for a kernel without one
  std::string warning;   // in plain words, about the recorded phase; empty: none
};

/// A kernel at several temperatures: its ladder adapts to the states of all blocks.
template <class K>
concept HasLadder = Kernel<K> && requires(K k, std::span<const typename K::State> states) {
  { k.adapt_ladder(states) } -> std::same_as<void>;
  { k.report(states) } -> std::same_as<LadderReport>;
};
/// So do its step sizes.
template <class K>
concept AdaptableLadder = HasLadder<K> &&
    requires(K k, std::span<const typename K::State> states, const StepSizeAdapter& adapter) {
  k.adapt(states, adapter);
};

/// Throws std::invalid_argument naming the first option that makes no sense.
void check(const RunOptions& options, bool adaptable);

/// What to know about proposals whose energy was not finite, and about trajectories that diverged
/// or might not grow any longer; empty if there were none.
std::string warning(const Counts& counts, const Counts& global);

/// The first `kept` draws of every chain: (chains, draws, d) -> (chains, kept, d).
ad::Tensor first_draws(ad::ConstView draws, std::size_t kept);

/// A run under way: what `run` does between the points where it may be stopped.
template <Kernel K>
class Run {
 public:
  Run(K kernel, ad::ConstView x0, const RunOptions& options)
      : kernel_(std::move(kernel)), options_(options), chains_(kernel_, x0, options.block) {
    if constexpr (Adaptable<K>) {
      if (options.adapt) warmup_.emplace(*options.adapt, options.warmup, options.key, x0.shape);
    }
    chains_.reset_counts();
    draws_ = ad::Tensor({x0.rows(), options.steps / options.thin, x0.shape[1]});
  }

  bool ended() const { return t_ == options_.warmup + options_.steps; }

  /// One step of a warm-up that adapts, or up to kSlice others. Where a run is cut depends on
  /// nothing else, for chains that run ahead of each other meet there.
  void advance() {
    const bool warming = t_ < options_.warmup;
    const std::uint32_t left = (warming ? options_.warmup : options_.warmup + options_.steps) - t_;
    const std::uint32_t steps = warming && adapts() ? 1 : std::min(kSlice, left);
    const auto start = std::chrono::steady_clock::now();
    if (warming) {
      before_adapting();
      chains_.reset_counts();
      chains_.advance(kernel_, t_, steps, options_.key);
      adapt();
    } else {
      chains_.advance(
          kernel_, t_, steps, options_.key,
          [&](std::size_t first, std::uint32_t t, ad::ConstView x) { record(first, t, x); });
    }
    t_ += steps;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    (warming ? warmup_seconds_ : seconds_) += took.count();
    if (!warming) return;
    warmup_gradients_ += chains_.counts().gradients + chains_.global_counts().gradients;
    if (t_ < options_.warmup) return;
    if constexpr (Adaptable<K>) {
      if (warmup_) warmup_->freeze(kernel_);
    }
    chains_.reset_counts();
  }

  /// What was recorded so far.
  RunResult result() {
    gather_draws();
    const std::uint32_t done = t_ - std::min(t_, options_.warmup);
    RunResult result{.draws = ended() ? draws_ : first_draws(draws_.view(), done / options_.thin),
                     .last = chains_.positions(),
                     .counts = chains_.counts(),
                     .global = chains_.global_counts(),
                     .warmup_gradients = warmup_gradients_,
                     .warmup_seconds = warmup_seconds_,
                     .seconds = seconds_,
                     .block = chains_.block()};
    K kernel = kernel_;
    if constexpr (Adaptable<K>) result.step_size = kernel.step_size();
    if constexpr (Preconditioned<K>) result.metric = kernel.metric();
    if constexpr (HasLadder<K>) result.ladder = kernel_.report(chains_.states());
    result.warning = warning(result.counts, result.global);
    return result;
  }

  void archive(ad::Archive& a) requires Resumable<K> {
    a("t", t_);
    a("warmup_gradients", warmup_gradients_);
    a("chains", chains_);
    if constexpr (requires { kernel_.archive(a); }) a("kernel", kernel_);
    if constexpr (Adaptable<K>) {
      a("step_size", kernel_.step_size());
      if (warmup_) a("warmup", *warmup_);
    }
    if constexpr (Preconditioned<K>) a("metric", kernel_.metric());
    gather_draws();
    const std::uint32_t done = t_ - std::min(t_, options_.warmup);
    ad::Tensor recorded = first_draws(draws_.view(), done / options_.thin);
    std::vector<Real> values(recorded.flat().begin(), recorded.flat().end());
    a("draws", values);
    if (!a.reading()) return;
    const std::size_t each = values.size() / draws_.rows();
    for (std::size_t c = 0; c < draws_.rows(); ++c) {
      std::copy_n(&values[c * each], each, draws_.row(c).begin());
    }
  }

 private:
  static constexpr std::uint32_t kSlice = 32;

  void gather_draws() {
    const std::size_t each = draws_.size() / draws_.rows();
    chains_.gather(draws_.flat(), [&](std::size_t chain) { return chain * each; });
  }

  bool adapts() const { return options_.target_accept > 0 || options_.adapt || HasLadder<K>; }

  void before_adapting() {
    if constexpr (Adaptable<K>) {
      if (warmup_) warmup_->before(kernel_, chains_, t_);
    }
  }

  void adapt() {
    const StepSizeAdapter* adapter = adapter_ ? &*adapter_ : nullptr;
    if constexpr (Adaptable<K>) {
      if (warmup_) return warmup_->after(kernel_, chains_, t_);
      const Counts counts = chains_.counts();
      if (adapter && counts.proposed > 0) adapter->update(kernel_.step_size(), counts.rate());
    }
    if constexpr (AdaptableLadder<K>) {
      if (adapter) kernel_.adapt(chains_.states(), *adapter);
    }
    if constexpr (HasLadder<K>) kernel_.adapt_ladder(chains_.states());
  }

  void record(std::size_t first_chain, std::uint32_t t, ad::ConstView x) {
    const std::uint32_t done = t - options_.warmup + 1;
    if (done % options_.thin != 0) return;
    const std::size_t d = x.cols(), at = (done / options_.thin - 1) * d;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      std::ranges::copy(x.row(i), draws_.row(first_chain + i).begin() + std::ptrdiff_t(at));
    }
  }

  K kernel_;
  RunOptions options_;
  Chains<K> chains_;
  std::optional<StepSizeAdapter> adapter_ =
      options_.target_accept > 0
          ? std::optional(StepSizeAdapter({options_.target_accept, options_.largest_step}))
          : std::nullopt;
  std::optional<WarmupOf<K>> warmup_;
  std::uint32_t t_ = 0;  // steps made, warm-up included
  std::uint64_t warmup_gradients_ = 0;
  double warmup_seconds_ = 0, seconds_ = 0;
  ad::Tensor draws_;  // (chains, steps / thin, d)
};

/// Runs kernel from x0 (n, d): warm-up, in which the step size may adapt to the mean acceptance
/// over all chains, or step size and metric as in mcmc/warmup.hpp, or a ladder of temperatures,
/// then with all of them frozen the recorded phase. Chain i's draws depend on the key and i, not on
/// threads; on the block size only through rounding. Throws std::invalid_argument for options that
/// make no sense.
template <Kernel K>
RunResult run(K kernel, ad::ConstView x0, const RunOptions& options) {
  check(options, Adaptable<K> || AdaptableLadder<K>);
  Run<K> run(std::move(kernel), x0, options);
  const auto stopped = [&] { return options.stop && options.stop(); };
  if (!options.keeper) {
    while (!run.ended() && !stopped()) run.advance();
    return run.result();
  }
  if constexpr (Resumable<K>) {
    const ad::State state = [&](ad::Archive& a) { a("run", run); };
    options.keeper->restore(state);
    while (!run.ended()) {
      run.advance();
      if (!run.ended() && !stopped()) {
        if (options.keeper->offer(state)) continue;
        break;
      }
      options.keeper->keep(state);
      if (!run.ended()) break;
    }
    return run.result();
  } else {
    throw std::invalid_argument("run: a keeper for a kernel whose state has no archive");
  }
}

}  // namespace eqp::mcmc
