#include "train/metrics/likelihood.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "train/metrics/grid.hpp"

namespace eqp::train {

LogZBracket bracket_log_z(const mcmc::Energy& energy, const mcmc::Proposal& base,
                          const LogZOptions& o, ad::ConstView draws) {
  if (!(o.confidence > 0 && o.confidence < 1)) {
    throw std::invalid_argument("bracket_log_z: confidence " + std::to_string(o.confidence) +
                                "; need a number between 0 and 1");
  }
  const Annealing annealing("bracket_log_z", energy, base, o.annealing);
  const mcmc::AisResult forward = annealing.forward();
  const double z = std::numbers::sqrt2 * boost::math::erf_inv(o.confidence);
  LogZBracket bracket{.lower = forward.log_z, .best = forward.log_z};
  if (draws.data) {
    const mcmc::AisResult reverse = annealing.reverse(draws);
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
