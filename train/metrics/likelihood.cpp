#include "train/metrics/likelihood.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "mcmc/ais.hpp"
#include "mcmc/hmc.hpp"
#include "train/metrics/grid.hpp"

namespace eqp::train {
namespace {

void check(const LogZOptions& o) {
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("bracket_log_z: " + what);
  };
  if (o.temperatures == 0) fail("0 temperatures; need at least 1");
  if (o.particles < 2) fail(std::to_string(o.particles) + " particles; need at least 2");
  if (!(o.confidence > 0 && o.confidence < 1)) {
    fail("confidence " + std::to_string(o.confidence) + "; need a number between 0 and 1");
  }
  if (!(o.target_accept > 0 && o.target_accept < 1)) {
    fail("target_accept " + std::to_string(o.target_accept) + "; need a number between 0 and 1");
  }
}

}  // namespace

LogZBracket bracket_log_z(const mcmc::Energy& energy, const mcmc::Proposal& base,
                          const LogZOptions& o, ad::ConstView draws) {
  check(o);
  const mcmc::Path path = mcmc::geometric_path(base, energy);
  const auto make = [&](const mcmc::Energy& u) {
    return mcmc::Hmc(u, base.dim, {.step_size = o.step_size, .leapfrog_steps = o.leapfrog_steps});
  };
  mcmc::AisOptions run{.temperatures = mcmc::even_temperatures(o.temperatures),
                       .particles = o.particles,
                       .target_accept = o.target_accept,
                       .key = o.key.fork(0)};
  run.step_sizes = mcmc::ais(path, make, run).step_sizes;
  run.target_accept = 0;
  run.key = o.key.fork(1);
  const mcmc::AisResult forward = mcmc::ais(path, make, run);

  const double z = std::numbers::sqrt2 * boost::math::erf_inv(o.confidence);
  LogZBracket bracket{.lower = forward.log_z, .best = forward.log_z};
  if (draws.data) {
    run.key = o.key.fork(2);
    const mcmc::AisResult reverse = mcmc::reverse_ais(path, make, draws, run);
    bracket.upper = reverse.log_z;
    bracket.best = mcmc::bennett(forward.log_weight, reverse.log_weight);
  }
  const mcmc::LogZ above = bracket.upper.value_or(bracket.lower);
  bracket.low = bracket.lower.value - z * bracket.lower.error;
  bracket.high = above.value + z * above.error;
  return bracket;
}

double Likelihood::bits_per_dim(std::size_t dim) const {
  return -nats / (double(dim) * std::numbers::ln2);
}

Likelihood likelihood(const mcmc::Energy& energy, const LogZBracket& log_z, ad::ConstView x) {
  if (x.shape.rank() != 2 || x.rows() < 2) {
    throw std::invalid_argument("likelihood: points " + ad::str(x.shape) +
                                "; need (n, d) with n of at least 2");
  }
  const std::vector<double> minus_u = evaluate(log_density(energy, x.cols()), x);
  const double n = double(x.rows());
  double mean = 0, square = 0;
  for (std::size_t i = 0; i < minus_u.size(); ++i) {
    if (!std::isfinite(minus_u[i])) {
      throw std::runtime_error("likelihood: the energy of row " + std::to_string(i) + " is " +
                               std::to_string(-minus_u[i]));
    }
    mean += minus_u[i] / n;
  }
  for (const double v : minus_u) square += (v - mean) * (v - mean) / (n - 1);
  return {.nats = mean - log_z.best.value,
          .standard_error = std::sqrt(square / n),
          .low = mean - log_z.high,
          .high = mean - log_z.low};
}

}  // namespace eqp::train
