#include "mcmc/adapt.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {

StepSizeAdapter::StepSizeAdapter(Options options) : options_(options) {
  if (options.target > 0 && options.target < 1 && options.largest >= 0) return;
  std::ostringstream text;
  text << "StepSizeAdapter: target acceptance " << options.target << ", largest step "
       << options.largest << "; need a target between 0 and 1 and a step of at least 0";
  throw std::invalid_argument(text.str());
}

void StepSizeAdapter::update(double& step_size, double acceptance, std::uint32_t steps) const {
  constexpr double ratio = 1.05, tolerance = 0.03;
  const double off = std::abs(acceptance - options_.target);
  const double change = std::pow(ratio, std::max(1.0, std::min(steps, 40u) * off));
  if (acceptance > options_.target + tolerance) step_size *= change;
  if (acceptance < options_.target - tolerance) step_size /= change;
  if (options_.largest > 0) step_size = std::min(step_size, options_.largest);
}

}  // namespace eqp::mcmc
