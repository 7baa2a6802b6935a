#include "mcmc/targets/correlated_gaussian.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "mcmc/targets/gaussian_mixture.hpp"

namespace eqp::mcmc {
namespace {

using Rows = std::vector<std::vector<double>>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Gram and Schmidt on normal rows: distributed uniformly over the orthogonal matrices.
Rows rotation(std::size_t d, ad::Key key) {
  Rows q(d, std::vector<double>(d));
  for (std::size_t i = 0; i < d; ++i) {
    ad::Draws draws(key, std::uint32_t(i));
    for (double& v : q[i]) v = draws.normal();
    // Twice, for the rounding of the first time.
    for (std::size_t k = 0; k < 2 * i; ++k) {
      const double c = dot(q[i], q[k % i]);
      for (std::size_t j = 0; j < d; ++j) q[i][j] -= c * q[k % i][j];
    }
    const double norm = std::sqrt(dot(q[i], q[i]));
    for (double& v : q[i]) v /= norm;
  }
  return q;
}

}  // namespace

Target correlated_gaussian(const CorrelatedGaussianOptions& options) {
  const auto [d, condition, key] = options;
  if (d < 2 || !(condition >= 1 && std::isfinite(condition))) {
    throw std::invalid_argument("correlated gaussian: dim " + std::to_string(d) + ", condition " +
                                std::to_string(condition) +
                                "; need at least 2 dimensions and a condition of at least 1");
  }
  const Rows q = rotation(d, key);
  std::vector<double> covariance(d * d);
  for (std::size_t k = 0; k < d; ++k) {
    const double eigenvalue = std::pow(condition, double(k) / double(d - 1) - 0.5);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) covariance[i * d + j] += eigenvalue * q[k][i] * q[k][j];
    }
  }
  Target target = gaussian({.mean = std::vector<double>(d), .covariance = std::move(covariance)});
  target.name = "correlated_gaussian";
  return target;
}

}  // namespace eqp::mcmc
