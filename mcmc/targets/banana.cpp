#include "mcmc/targets/banana.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace eqp::mcmc {

Target banana(const BananaOptions& options) {
  const auto [dim, std, curvature] = options;
  if (dim == 0 || dim % 2 || !(std > 0 && std::isfinite(std)) || !std::isfinite(curvature)) {
    throw std::invalid_argument("banana: dim " + std::to_string(dim) + ", std " +
                                std::to_string(std) + ", curvature " + std::to_string(curvature) +
                                "; need an even dim above 0, a std above 0, a finite curvature");
  }
  const double log_scale = std::log(2 * std::numbers::pi * std);  // of a pair
  Target t{.name = "banana", .dim = dim};
  t.energy = [=](ad::Var x) {
    const std::size_t n = x.shape()[0], pairs = dim / 2;
    const ad::Var pair = reshape(x, {n, pairs, 2});
    const ad::Var a = reshape(slice(pair, 2, 0, 1), {n, pairs});
    const ad::Var b = reshape(slice(pair, 2, 1, 2), {n, pairs});
    const ad::Var ridge = curvature * square(a) - curvature * std * std;
    return 0.5 * sum(square(a / std) + square(b - ridge), std::size_t(1)) +
           double(pairs) * log_scale;
  };
  t.log_prob = [=](std::span<const double> x) {
    double sum = 0;
    for (std::size_t j = 0; j < dim; j += 2) {
      const double a = x[j] / std, b = x[j + 1] - curvature * (x[j] * x[j] - std * std);
      sum -= 0.5 * (a * a + b * b) + log_scale;
    }
    return sum;
  };
  t.sample = sample_rows("banana", dim, [=](ad::Draws& draws, std::span<double> x) {
    for (std::size_t j = 0; j < dim; j += 2) {
      x[j] = std * draws.normal();
      x[j + 1] = draws.normal() + curvature * (x[j] * x[j] - std * std);
    }
  });
  t.mean.assign(dim, 0.0);
  t.covariance.assign(dim * dim, 0.0);
  for (std::size_t j = 0; j < dim; j += 2) {
    t.covariance[j * dim + j] = std * std;
    // Var(a^2) = 2 std^4, and a is uncorrelated with a^2.
    t.covariance[(j + 1) * dim + j + 1] = 1 + 2 * std::pow(curvature * std * std, 2);
  }
  return t;
}

}  // namespace eqp::mcmc
