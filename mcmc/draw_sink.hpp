#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "mcmc/kernel.hpp"

// Where draws go while chains run, in slabs, so that memory does not grow with their number. Of
// several ranks all feed their sinks, and those that write files do so on the first one.
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

/// The statistics that `run` feeds along with draws of this kernel, for sinks to be made for.
template <Kernel K>
std::vector<Stat> stats_of() {
  return HasTransitions<K> ? transition_stats() : std::vector<Stat>();
}

/// Writes value `at` of each of transition_stats().
void put(const Transition& transition, std::size_t at, std::span<StatValues> stats);

class DrawSink {
 public:
  virtual ~DrawSink() = default;
  /// k more draws of every chain, draws (chains, k, d), and one StatValues for each statistic that
  /// the sink was made for. What a sink makes of draws does not depend on how they are cut into
  /// slabs. Throws std::invalid_argument for other shapes.
  virtual void append(ad::ConstView draws, std::span<const StatValues> stats) = 0;
  /// There are no more. Without it what is buffered is lost.
  virtual void finish() = 0;
  /// What was taken so far, as part of the state of a run. Read by a new sink made with the same
  /// arguments, whose process may have been killed at any time after the state was kept, it goes on
  /// from there: what came after is forgotten, files included, and so is finish(). Throws
  /// std::invalid_argument if files are no longer there.
  virtual void archive(ad::Archive& a) = 0;
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
  void archive(ad::Archive& a) override {
    for (std::size_t i = 0; i < sinks_.size(); ++i) a(std::to_string(i), *sinks_[i]);
  }

 private:
  std::vector<DrawSink*> sinks_;
};

/// Throws std::invalid_argument unless draws are (chains, k, d) and stats `n_stats` times
/// (chains, k).
void check_slab(const char* sink, std::size_t chains, std::size_t d, std::size_t n_stats,
                ad::ConstView draws, std::span<const StatValues> stats);

}  // namespace eqp::mcmc
