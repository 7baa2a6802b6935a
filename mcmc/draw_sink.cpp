#include "mcmc/draw_sink.hpp"

namespace eqp::mcmc {

std::vector<Stat> transition_stats() {
  using enum StatType;
  return {{"energy"},
          {"acceptance_rate"},
          {"n_steps", integer},
          {"tree_depth", integer},
          {"diverging", boolean}};
}

void put(const Transition& transition, std::size_t at, std::span<StatValues> stats) {
  stats[0][at] = transition.energy;
  stats[1][at] = transition.accept;
  stats[2][at] = transition.leapfrogs;
  stats[3][at] = transition.depth;
  stats[4][at] = transition.diverging;
}

void check_slab(const char* sink, std::size_t chains, std::size_t d, std::size_t n_stats,
                ad::ConstView draws, std::span<const StatValues> stats) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument(std::string(sink) + ": " + what);
  };
  if (draws.shape.rank() != 3 || draws.shape[0] != chains || draws.shape[2] != d) {
    fail("draws " + str(draws.shape) + "; need (" + std::to_string(chains) + ", k, " +
         std::to_string(d) + ")");
  }
  if (stats.size() != n_stats) {
    fail(std::to_string(stats.size()) + " statistics; need " + std::to_string(n_stats));
  }
  for (const StatValues& values : stats) {
    if (values.size() == chains * draws.shape[1]) continue;
    fail("a statistic of " + std::to_string(values.size()) + " values; need " +
         std::to_string(chains * draws.shape[1]) + ", one per draw");
  }
}

}  // namespace eqp::mcmc
