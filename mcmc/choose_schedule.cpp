#include "mcmc/choose_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "mcmc/diagnostics.hpp"

namespace eqp::mcmc {

void check(const ScheduleOptions& o) {
  std::ostringstream text;
  text << "choose_schedule: ";
  if (o.cycles.empty()) {
    text << "no cycles to try; need at least 1";
  } else if (std::ranges::any_of(o.cycles,
                                 [](Cycle c) { return c.global_steps + c.local_steps == 0; })) {
    text << "a cycle of 0 global and 0 local steps; need at least 1";
  } else if (o.moves == 0) {
    text << "moves 0; need at least 1";
  } else if (!(o.global_cost >= 0 && o.local_cost >= 0) ||
             (o.global_cost == 0) != (o.local_cost == 0)) {
    text << "costs " << o.global_cost << " and " << o.local_cost
         << "; need two numbers above 0, or 0 and 0 to measure seconds";
  } else {
    return;
  }
  throw std::invalid_argument(text.str());
}

double least_ess(ad::ConstView draws) {
  double least = double(draws.shape[0] * draws.shape[1]);
  for (std::size_t j = 0; j < draws.shape[2]; ++j) {
    ChainValues x = coordinate(draws, j);
    for (const int power : {1, 2}) {
      if (power == 2)
        std::ranges::transform(x.values, x.values.begin(), [](double v) { return v * v; });
      const double ess = ess_mean(x);
      least = std::min(least, std::isnan(ess) ? 0 : ess);
    }
  }
  return least;
}

Schedule best_of(std::vector<ScheduleTrial> trials, bool seconds) {
  const ScheduleTrial best = *std::ranges::max_element(trials, {}, &ScheduleTrial::efficiency);
  std::ostringstream text;
  text.precision(3);
  text << best.cycle.global_steps << " global and " << best.cycle.local_steps
       << " local steps a cycle give " << best.efficiency << " effective draws per "
       << (seconds ? "second" : "unit of cost") << ", the most of " << trials.size()
       << " cycles tried";
  if (best.cycle.global_steps > 0) text << "; global acceptance " << best.global_rate;
  if (best.cycle.local_steps > 0) text << "; local acceptance " << best.local_rate;
  return {best.cycle, std::move(trials), text.str()};
}

}  // namespace eqp::mcmc
