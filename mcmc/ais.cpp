#include "mcmc/ais.hpp"

#include <stdexcept>

#include "mcmc/diagnostics.hpp"

namespace eqp::mcmc {

void check(const std::string& who, const AisOptions& options, bool adaptable) {
  check_temperatures(who, options.temperatures);
  check_moves(who, options.moves, options.target_accept, adaptable);
  check_step_sizes(who, options.step_sizes, options.temperatures.size(), adaptable);
}

void check_frozen(const std::string& who, const AisOptions& options) {
  if (options.target_accept == 0) return;
  throw std::invalid_argument(who + ": target_accept; need the step sizes of a forward pilot run");
}

void summarise_forward(AisResult& result) {
  result.log_z = log_mean_weight(result.log_weight);
  result.bound = mean_log_weight(result.log_weight);
  result.ess = importance_ess(result.log_weight);
}

void summarise_reverse(AisResult& result) {
  std::vector<double> inverse = result.log_weight;
  for (double& l : inverse) l = -l;
  result.log_z = log_mean_weight(inverse);
  result.log_z.value = -result.log_z.value;
  result.bound = mean_log_weight(result.log_weight);
  result.ess = importance_ess(inverse);
}

}  // namespace eqp::mcmc
