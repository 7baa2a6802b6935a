#include "mcmc/check/stationarity.hpp"

#include <algorithm>

namespace eqp::mcmc {

Check judge_stationarity(const Target& target, const Moved& chains,
                         const StationarityOptions& options) {
  const std::size_t n = chains.before.rows();
  std::size_t still = 0;
  for (std::size_t i = 0; i < n; ++i) {
    still += std::ranges::equal(chains.before.row(i), chains.after.row(i));
  }
  const Features features(exact_draws("stationarity", target, options.pilot, options.key.fork(2)),
                          {}, target.log_prob, {.key = options.key.fork(3)});
  Tests tests;
  compare_laws(tests, features, chains.before, chains.after,
               exact_draws("stationarity", target, n, options.key.fork(4)));
  Check check = tests.check("stationarity", options.false_alarm);
  const std::string when = std::to_string(options.steps) + " steps from " + std::to_string(n) +
                           " exact draws of " + target.name + ", ";
  const std::string moves = shown(100 * double(n - still) / double(n)) + " % of the chains moved";
  if (n - still < 50) {
    check.outcome = Outcome::failed;
    check.sentence = "After " + when + "only " + moves + ", too few to judge by.";
  } else if (check.outcome == Outcome::failed) {
    check.sentence = "The target is not invariant: after " + when + tests.worst() + " is off by " +
                     shown(check.statistic) + " standard errors.";
  } else {
    check.sentence = "After " + when + moves + " and none of " + std::to_string(tests.size()) +
                     " statistics changed.";
  }
  return check;
}

}  // namespace eqp::mcmc
