#include "mcmc/annealed.hpp"

#include <sstream>
#include <stdexcept>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

bool keep_between(ad::Keeper* keeper, const ad::State& state, bool first,
                  const std::function<bool()>& ended) {
  if (!keeper) return true;
  if (first) keeper->restore(state);
  if (!ended()) return keeper->offer(state);
  if (!first) keeper->keep(state);
  return true;
}

void check_step_sizes(const std::string& who, std::span<const double> step_sizes,
                      std::size_t temperatures, bool adaptable) {
  if (step_sizes.empty()) return;
  if (!adaptable) {
    throw std::invalid_argument(who + ": step sizes for a kernel that has none to set");
  }
  if (step_sizes.size() + 1 != temperatures) {
    throw std::invalid_argument(who + ": " + std::to_string(step_sizes.size()) +
                                " step sizes for " + std::to_string(temperatures) +
                                " temperatures; need one for each but the first");
  }
  for (const double h : step_sizes) checked_step_size(who.c_str(), h);
}

void check_moves(const std::string& who, std::uint32_t moves, double target_accept,
                 bool adaptable) {
  if (moves == 0) throw std::invalid_argument(who + ": moves 0; need at least 1");
  if (!(target_accept >= 0 && target_accept < 1)) {
    std::ostringstream text;
    text << who << ": target_accept " << target_accept
         << "; need a number between 0 and 1, or 0 not to adapt";
    throw std::invalid_argument(text.str());
  }
  if (target_accept > 0 && !adaptable) {
    throw std::invalid_argument(who +
                                ": target_accept for a kernel that has no step size to adapt");
  }
}

}  // namespace eqp::mcmc
