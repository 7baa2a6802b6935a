#pragma once

#include "mcmc/targets/posteriors/posterior.hpp"

namespace eqp::mcmc {

/// Effects of coaching on test scores in J schools (Rubin 1981; Gelman et al. 2013, section 5.5).
struct EightSchools {
  std::vector<double> y;      ///< (J) estimated effects
  std::vector<double> sigma;  ///< (J) their standard errors
};
EightSchools read_eight_schools(const std::filesystem::path& file);

/// y_j ~ N(theta_j, sigma_j), theta_j ~ N(mu, tau), mu ~ N(0, 5), tau ~ half-Cauchy(0, 5), over
/// (theta, mu, log tau): a funnel, whose neck samplers with one step size do not enter.
Posterior eight_schools_centered(const EightSchools& data);

/// The same posterior over (z, mu, log tau) with theta_j = mu + tau z_j, z_j ~ N(0, 1)
/// (Papaspiliopoulos, Roberts & Skold 2007).
Posterior eight_schools_noncentered(const EightSchools& data);

}  // namespace eqp::mcmc
