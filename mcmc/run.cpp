#include "mcmc/run.hpp"

namespace eqp::mcmc {

void check(const RunOptions& options, bool adaptable) {
  const auto fail = [](const std::string& what) { throw std::invalid_argument("run: " + what); };
  if (options.steps == 0) fail("steps 0; need at least 1");
  if (options.thin == 0 || options.thin > options.steps) {
    fail("thin " + std::to_string(options.thin) + " of " + std::to_string(options.steps) +
         " steps; need 1 to the number of steps");
  }
  if (options.target_accept == 0) return;
  if (!adaptable) fail("target_accept for a kernel that has no step size to adapt");
  if (options.warmup == 0) fail("target_accept without warm-up steps to adapt in");
}

}  // namespace eqp::mcmc
