#include <cmath>
#include <stdexcept>

#include "mcmc/check.hpp"

namespace eqp::mcmc {

Proposal covering(const Target& target) {
  const std::size_t d = target.dim;
  if (target.mean.size() != d || target.covariance.size() != d * d) {
    throw std::invalid_argument("check_kernel: target '" + target.name + "' has " +
                                std::to_string(target.mean.size()) + " means and " +
                                std::to_string(target.covariance.size()) +
                                " covariances; need those of " + std::to_string(d) + " dimensions");
  }
  std::vector<double> sd(d);
  for (std::size_t j = 0; j < d; ++j) sd[j] = 1.5 * std::sqrt(target.covariance[j * d + j]);
  return gaussian_proposal(target.mean, sd);
}

}  // namespace eqp::mcmc
