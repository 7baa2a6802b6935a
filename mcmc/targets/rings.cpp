#include "mcmc/targets/rings.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "mcmc/targets/mixture.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kSmoothing = 1e-12;  // added to |x|^2

double log_prob_of(const RingsOptions& o, std::span<const double> weights,
                   std::span<const double> x) {
  const double r = std::sqrt(x[0] * x[0] + x[1] * x[1] + kSmoothing);
  double log_radial = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double z = (r - o.radii[k]) / o.std;
    log_radial = log_add(log_radial, std::log(weights[k]) - 0.5 * z * z);
  }
  return log_radial - std::log(o.std * std::sqrt(2 * std::numbers::pi)) -
         std::log(2 * std::numbers::pi * r);
}

Energy energy_of(const RingsOptions& o, std::span<const double> weights) {
  const std::size_t count = weights.size();
  ad::Tensor radii({count}), log_height({count});
  for (std::size_t k = 0; k < count; ++k) {
    radii[k] = Real(o.radii[k]);
    log_height[k] = Real(std::log(weights[k] / (o.std * std::pow(2 * std::numbers::pi, 1.5))));
  }
  return [=, std = o.std](ad::Var x) {
    const std::size_t n = x.shape()[0];
    const ad::Var square_radius = sum(square(x), std::size_t(1)) + kSmoothing;
    const ad::Var z = (reshape(sqrt(square_radius), {n, 1}) - x.tape->constant(radii)) / std;
    const ad::Var log_terms = x.tape->constant(log_height) - 0.5 * square(z);
    return 0.5 * log(square_radius) - logsumexp(log_terms, std::size_t(1));
  };
}

}  // namespace

Target rings(const RingsOptions& options) {
  for (const double r : options.radii) {
    if (!(r > 0 && std::isfinite(r)))
      throw std::invalid_argument("rings: radius " + std::to_string(r) + ", need above 0");
  }
  if (options.radii.empty() || !(options.std > 0 && std::isfinite(options.std))) {
    throw std::invalid_argument("rings: " + std::to_string(options.radii.size()) +
                                " radii of std " + std::to_string(options.std) +
                                "; need at least 1 and a std above 0");
  }
  const auto weights = normalised_weights("rings", options.weights, options.radii.size());
  double variance = 0;  // of each coordinate: E r^2 / 2
  for (std::size_t k = 0; k < weights.size(); ++k) {
    variance += weights[k] * (options.radii[k] * options.radii[k] + options.std * options.std) / 2;
  }
  return {.name = "rings",
          .dim = 2,
          .energy = energy_of(options, weights),
          .log_prob = [=](std::span<const double> x) { return log_prob_of(options, weights, x); },
          .sample = sample_rows("rings", 2,
                                [=](ad::Draws& draws, std::span<double> x) {
                                  const std::size_t k = pick(weights, draws.uniform());
                                  const double r = options.radii[k] + options.std * draws.normal();
                                  const double angle = 2 * std::numbers::pi * draws.uniform();
                                  x[0] = r * std::cos(angle);
                                  x[1] = r * std::sin(angle);
                                }),
          .mean = {0, 0},
          .covariance = {variance, 0, 0, variance}};
}

}  // namespace eqp::mcmc
