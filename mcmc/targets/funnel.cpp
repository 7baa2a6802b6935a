#include "mcmc/targets/funnel.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace eqp::mcmc {

Target funnel(const FunnelOptions& options) {
  const auto [dim, variance] = options;
  if (dim < 2 || !(variance > 0 && std::isfinite(variance))) {
    throw std::invalid_argument("funnel: dim " + std::to_string(dim) + ", variance " +
                                std::to_string(variance) +
                                "; need at least 2 dimensions and a variance above 0");
  }
  const double rest = double(dim - 1);
  const double log_scale =
      0.5 * (std::log(variance) + double(dim) * std::log(2 * std::numbers::pi));
  Target t{.name = "funnel", .dim = dim};
  t.energy = [=](ad::Var x) {
    const std::size_t n = x.shape()[0];
    const ad::Var v = reshape(slice(x, 1, 0, 1), {n});
    // The scale goes to the coordinates before the square, where it overflows last.
    const ad::Var scaled = slice(x, 1, 1, dim) * reshape(exp(-0.5 * v), {n, 1});
    return square(v) * (0.5 / variance) + 0.5 * rest * v +
           0.5 * sum(square(scaled), std::size_t(1)) + log_scale;
  };
  t.log_prob = [=](std::span<const double> x) {
    double sum = -log_scale - 0.5 * (x[0] * x[0] / variance + rest * x[0]);
    for (std::size_t j = 1; j < dim; ++j) sum -= 0.5 * std::pow(x[j] / std::exp(0.5 * x[0]), 2);
    return sum;
  };
  t.sample = sample_rows("funnel", dim, [=](ad::Draws& draws, std::span<double> x) {
    x[0] = std::sqrt(variance) * draws.normal();
    for (std::size_t j = 1; j < dim; ++j) x[j] = std::exp(0.5 * x[0]) * draws.normal();
  });
  t.mean.assign(dim, 0.0);
  t.covariance.assign(dim * dim, 0.0);
  t.covariance[0] = variance;
  for (std::size_t j = 1; j < dim; ++j) t.covariance[j * dim + j] = std::exp(0.5 * variance);
  return t;
}

}  // namespace eqp::mcmc
