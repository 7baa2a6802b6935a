#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "mcmc/chains.hpp"

// Where draws go while chains run, in slabs, so that memory does not grow with their number.
namespace eqp::mcmc {

/// How a statistic of a transition is stored; it is a double everywhere else.
enum class StatType { real, integer, boolean };

/// A statistic that comes with every draw, by ArviZ's names: "energy", "acceptance_rate", "lp",
/// "step_size", and as integers "tree_depth" and "n_steps", as boolean "diverging".
struct Stat {
  std::string name;
  StatType type = StatType::real;
};

/// Values of a Stat, (chains, k).
using StatValues = std::vector<double>;

/// What a Hamiltonian kernel tells of each transition: energy, acceptance_rate, n_steps, tree_depth
/// and diverging.
std::vector<Stat> transition_stats();

/// The statistics that `record` feeds along with draws of this kernel, for sinks to be made for.
template <Kernel K>
std::vector<Stat> stats_of() {
  return HasTransitions<K> ? transition_stats() : std::vector<Stat>();
}

class DrawSink {
 public:
  virtual ~DrawSink() = default;
  /// k more draws of every chain, draws (chains, k, d), and one StatValues for each statistic that
  /// the sink was made for. What a sink makes of draws does not depend on how they are cut into
  /// slabs. Throws std::invalid_argument for other shapes.
  virtual void append(ad::ConstView draws, std::span<const StatValues> stats) = 0;
  /// There are no more. To be called once; without it what is buffered is lost.
  virtual void finish() = 0;
};

/// Feeds several sinks, in order.
class Sinks : public DrawSink {
 public:
  explicit Sinks(std::vector<DrawSink*> sinks) : sinks_(std::move(sinks)) {}
  void append(ad::ConstView draws, std::span<const StatValues> stats) override {
    for (DrawSink* sink : sinks_) sink->append(draws, stats);
  }
  void finish() override {
    for (DrawSink* sink : sinks_) sink->finish();
  }

 private:
  std::vector<DrawSink*> sinks_;
};

/// Throws std::invalid_argument unless draws are (chains, k, d) and stats `n_stats` times
/// (chains, k).
void check_slab(const char* sink, std::size_t chains, std::size_t d, std::size_t n_stats,
                ad::ConstView draws, std::span<const StatValues> stats);

/// Writes value `at` of each of transition_stats().
void put(const Transition& transition, std::size_t at, std::span<StatValues> stats);

struct RecordOptions {
  std::uint32_t first_step = 0;  // number of the first step: that of warm-up steps before it
  std::uint32_t steps = 1000;
  std::uint32_t thin = 1;   // every thin-th step is recorded
  std::uint32_t slab = 64;  // draws per chain that are held and handed over together
  ad::Key key;
  /// Asked between slabs; once true, the recording ends.
  std::function<bool()> stop = {};
};

/// Throws std::invalid_argument naming the first option that makes no sense.
void check(const RecordOptions& options);

/// Advances the chains and feeds the sink: the draws that `run` would keep, of which only a slab is
/// in memory, and the statistics stats_of<K>() of the steps that made them. Returns the number of
/// draws per chain. Does not finish the sink.
template <Kernel K>
std::uint32_t record(Chains<K>& chains, const K& kernel, const RecordOptions& options,
                     DrawSink& sink) {
  check(options);
  const std::uint32_t draws = options.steps / options.thin;
  std::uint32_t done = 0;
  while (done < draws && !(options.stop && options.stop())) {
    const std::uint32_t k = std::min(options.slab, draws - done);
    const std::uint32_t first = options.first_step + done * options.thin;
    ad::Tensor slab({chains.size(), k, chains.dim()});
    std::vector<StatValues> stats(stats_of<K>().size(), StatValues(chains.size() * k));
    const auto keep = [&](std::size_t first_chain, std::uint32_t step, ad::ConstView x,
                          std::span<const Transition> transitions) {
      const std::uint32_t taken = step - first + 1;
      if (taken % options.thin != 0) return;
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const std::size_t at = (first_chain + i) * k + taken / options.thin - 1;
        std::ranges::copy(x.row(i), &slab[at * x.cols()]);
        if (!transitions.empty()) put(transitions[i], at, stats);
      }
    };
    if constexpr (HasTransitions<K>) {
      chains.advance(kernel, first, k * options.thin, options.key, keep);
    } else {
      chains.advance(kernel, first, k * options.thin, options.key,
                     [&](std::size_t c, std::uint32_t t, ad::ConstView x) { keep(c, t, x, {}); });
    }
    chains.gather(slab.flat(), [&](std::size_t c) { return c * k * chains.dim(); });
    for (StatValues& values : stats) {
      chains.gather(std::span(values), [&](std::size_t c) { return c * k; });
    }
    sink.append(slab, stats);
    done += k;
  }
  return done;
}

}  // namespace eqp::mcmc
