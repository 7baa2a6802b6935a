#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "mcmc/adapt.hpp"
#include "mcmc/chains.hpp"
#include "mcmc/draw_buffer.hpp"
#include "mcmc/ladder.hpp"
#include "mcmc/warmup.hpp"
#include "mcmc/warnings.hpp"

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
  /// Gets the recorded draws as they come, with the statistics stats_of<K>() of the steps that made
  /// them, and is finished at the end, but not where the keeper's state may be gone on with; null:
  /// none. What it took belongs to that state.
  DrawSink* sink = nullptr;
  bool keep_draws = true;  // false: RunResult has none of them, and memory does not grow with steps
};

struct RunResult {
  ad::Tensor draws;                    // (chains, steps / thin, d)
  std::vector<StatValues> stats;       // of the draws, (chains, steps / thin) per stats_of<K>()
  ad::Tensor last;                     // (chains, d)
  Counts counts;                       // of the recorded phase; of an alternation the local moves
  Counts global;                       // of an alternation the global moves
  std::uint64_t warmup_gradients = 0;  // of both kernels
  double warmup_seconds = 0, seconds = 0;  // of advancing the chains, in this process
  std::size_t block = 0;                   // chains per task
  double step_size = 0;  // of the recorded phase; 0 for a kernel without one to adapt
  LadderReport ladder;   // of parallel tempering
  Metric metric;         // of the recorded phase; unit for a kernel without one
  RunFacts facts;        // for warnings(); what else was measured is for the caller to add
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

/// What a run tells of itself.
RunFacts facts(const RunResult& result, const RunOptions& options);

/// A run under way: what `run` does between the points where it may be stopped.
template <Kernel K>
class Run {
 public:
  Run(K kernel, ad::ConstView x0, const RunOptions& options)
      : kernel_(std::move(kernel)),
        options_(options),
        chains_(kernel_, x0, options.block),
        kept_(x0.rows(), options.keep_draws ? options.steps / options.thin : 0, x0.shape[1],
              stats_of<K>().size()) {
    if constexpr (Adaptable<K>) {
      if (options.adapt) warmup_.emplace(*options.adapt, options.warmup, options.key, x0.shape);
    }
    chains_.reset_counts();
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
      record(steps);
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
    RunResult result{.draws = kept_.draws(),
                     .stats = kept_.stats(),
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
    result.facts = facts(result, options_);
    if constexpr (requires { kernel_.max_depth(); }) result.facts.max_depth = kernel_.max_depth();
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
    a("kept", kept_);
    if (options_.sink) a("sink", *options_.sink);
  }

 private:
  static constexpr std::uint32_t kSlice = 32;

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

  void record(std::uint32_t steps) {
    const std::uint32_t first = t_ - options_.warmup, before = first / options_.thin;
    const std::size_t k = (first + steps) / options_.thin - before;
    ad::Tensor draws({chains_.size(), k, chains_.dim()});
    std::vector<StatValues> stats(stats_of<K>().size(), StatValues(chains_.size() * k));
    const auto take = [&](std::size_t first_chain, std::uint32_t t, ad::ConstView x,
                          std::span<const Transition> transitions) {
      const std::uint32_t done = t - options_.warmup + 1;
      if (done % options_.thin != 0) return;
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const std::size_t at = (first_chain + i) * k + done / options_.thin - 1 - before;
        std::ranges::copy(x.row(i), &draws[at * x.cols()]);
        if (!transitions.empty()) put(transitions[i], at, stats);
      }
    };
    const std::size_t d = chains_.dim();
    std::vector<Written> written{{draws.flat(), [=](std::size_t c) { return c * k * d; }}};
    for (StatValues& values : stats) {
      written.push_back({std::span(values), [=](std::size_t c) { return c * k; }});
    }
    if constexpr (HasTransitions<K>) {
      chains_.advance(kernel_, t_, steps, options_.key, take, written);
    } else {
      const auto plain = [&](std::size_t c, std::uint32_t t, ad::ConstView x) {
        take(c, t, x, {});
      };
      chains_.advance(kernel_, t_, steps, options_.key, plain, written);
    }
    if (k == 0) return;
    if (options_.keep_draws) kept_.append(draws, stats, 0, k);
    if (options_.sink) options_.sink->append(draws, stats);
  }

  K kernel_;
  RunOptions options_;
  Chains<K> chains_;
  DrawBuffer kept_;
  std::optional<StepSizeAdapter> adapter_ =
      options_.target_accept > 0
          ? std::optional(StepSizeAdapter({options_.target_accept, options_.largest_step}))
          : std::nullopt;
  std::optional<WarmupOf<K>> warmup_;
  std::uint32_t t_ = 0;  // steps made, warm-up included
  std::uint64_t warmup_gradients_ = 0;
  double warmup_seconds_ = 0, seconds_ = 0;
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
    if (options.sink) options.sink->finish();
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
    if (options.sink && run.ended()) options.sink->finish();
    return run.result();
  } else {
    throw std::invalid_argument("run: a keeper for a kernel whose state has no archive");
  }
}

}  // namespace eqp::mcmc
