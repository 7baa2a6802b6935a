#include "mcmc/run.hpp"

#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

#include "mcmc/e_bfmi.hpp"

namespace eqp::mcmc {

void check(const RunOptions& options, bool adaptable) {
  const auto fail = [](const std::string& what) { throw std::invalid_argument("run: " + what); };
  const auto text = [](double value) { return (std::ostringstream() << value).str(); };
  if (options.steps == 0) fail("steps 0; need at least 1");
  if (options.thin == 0 || options.thin > options.steps) {
    fail("thin " + std::to_string(options.thin) + " of " + std::to_string(options.steps) +
         " steps; need 1 to the number of steps");
  }
  if (options.warmup > std::numeric_limits<std::uint32_t>::max() - options.steps) {
    fail(std::to_string(options.warmup) + " + " + std::to_string(options.steps) +
         " steps; need fewer than 2^32");
  }
  if (!(options.target_accept >= 0 && options.target_accept < 1)) {
    fail("target_accept " + text(options.target_accept) +
         "; need a number between 0 and 1, or 0 not to adapt");
  }
  if (!(options.largest_step >= 0)) {
    fail("largest_step " + text(options.largest_step) + "; need a number above 0, or 0 for none");
  }
  if (options.adapt) {
    check(*options.adapt);
    if (!adaptable) fail("adapt for a kernel that has no step size to adapt");
    if (options.warmup == 0) fail("adapt without warm-up steps to adapt in");
    if (options.target_accept > 0) fail("both adapt and target_accept; need one of them");
    if (options.largest_step > 0) fail("largest_step with adapt; it caps target_accept's steps");
  }
  if (options.target_accept == 0) return;
  if (!adaptable) fail("target_accept for a kernel that has no step size to adapt");
  if (options.warmup == 0) fail("target_accept without warm-up steps to adapt in");
}

RunFacts facts(const RunResult& result, const RunOptions& options) {
  Counts all = result.counts;
  all += result.global;
  RunFacts facts{
      .chains = result.last.rows(),
      .steps = options.steps,
      .warmup = options.warmup,
      .transitions = std::uint64_t(result.counts.proposed),
      .divergences = all.divergences,
      .saturations = all.saturations,
      .not_finite = all.not_finite,
      .nan = all.nan,
      .target_accept = options.adapt ? options.adapt->target_accept : options.target_accept};
  const std::size_t draws = result.draws.shape()[1];
  if (!result.stats.empty() && draws >= 4) {
    facts.e_bfmi = e_bfmi({facts.chains, draws, result.stats[0]});
  }
  return facts;
}

}  // namespace eqp::mcmc
