#include "mcmc/targets/gaussian_mixture.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "autodiff/cholesky.hpp"
#include "mcmc/targets/mixture.hpp"

namespace eqp::mcmc {
namespace {

struct Mixture {
  std::size_t dim;
  std::vector<double> weights;
  std::vector<std::vector<double>> means;
  std::vector<ad::Cholesky> factors;

  std::size_t size() const { return weights.size(); }
  /// log of w_k / sqrt(det 2 pi C_k)
  double log_height(std::size_t k) const {
    return std::log(weights[k]) - 0.5 * factors[k].log_det() -
           0.5 * double(dim) * std::log(2 * std::numbers::pi);
  }
};

Mixture checked(const GaussianMixtureOptions& options) {
  const std::string who = "gaussian mixture";
  const std::size_t count = options.means.size(), dim = count ? options.means[0].size() : 0;
  if (dim == 0) throw std::invalid_argument(who + ": no components or no dimensions");
  if (options.covariances.size() != count) {
    throw std::invalid_argument(who + ": " + std::to_string(count) + " means and " +
                                std::to_string(options.covariances.size()) +
                                " covariances; need as many");
  }
  Mixture m{dim, normalised_weights(who, options.weights, count), options.means, {}};
  for (std::size_t k = 0; k < count; ++k) {
    if (m.means[k].size() != dim) {
      throw std::invalid_argument(who + ": mean " + std::to_string(k) + " has " +
                                  std::to_string(m.means[k].size()) + " coordinates, the first " +
                                  std::to_string(dim));
    }
    for (const double v : m.means[k]) {
      if (std::isfinite(v)) continue;
      throw std::invalid_argument(who + ": mean " + std::to_string(k) + " has a coordinate " +
                                  std::to_string(v) + "; need finite numbers");
    }
    m.factors.emplace_back(who, options.covariances[k], dim);
  }
  return m;
}

Energy energy_of(const Mixture& m) {
  const std::size_t d = m.dim, count = m.size();
  // All components in one product: z_k = L_k^-1 (x - mean_k), side by side.
  ad::Tensor whiten({d, count * d}), shift({count * d}), log_height({count});
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t i = 0; i < d; ++i) {
      std::vector<double> column(d);
      column[i] = 1;
      m.factors[k].solve(column);
      for (std::size_t j = 0; j < d; ++j) whiten(i, k * d + j) = Real(column[j]);
    }
    std::vector<double> mean = m.means[k];
    m.factors[k].solve(mean);
    for (std::size_t j = 0; j < d; ++j) shift[k * d + j] = Real(-mean[j]);
    log_height[k] = Real(m.log_height(k));
  }
  return [=](ad::Var x) {
    const std::size_t n = x.shape()[0];
    const ad::Var z = affine(x, x.tape->constant(whiten), x.tape->constant(shift));
    const ad::Var log_p =
        x.tape->constant(log_height) - 0.5 * sum(square(reshape(z, {n, count, d})), std::size_t(2));
    return -(count == 1 ? reshape(log_p, {n}) : logsumexp(log_p, std::size_t(1)));
  };
}

double log_prob_of(const Mixture& m, std::span<const double> x) {
  double total = -std::numeric_limits<double>::infinity();
  std::vector<double> z(m.dim);
  for (std::size_t k = 0; k < m.size(); ++k) {
    for (std::size_t j = 0; j < m.dim; ++j) z[j] = x[j] - m.means[k][j];
    m.factors[k].solve(z);
    double squares = 0;
    for (const double v : z) squares += v * v;
    total = log_add(total, m.log_height(k) - 0.5 * squares);
  }
  return total;
}

void draw(const Mixture& m, ad::Draws& draws, std::span<double> x) {
  const std::size_t k = m.size() == 1 ? 0 : pick(m.weights, draws.uniform());
  for (double& v : x) v = draws.normal();
  m.factors[k].multiply(x);
  for (std::size_t j = 0; j < m.dim; ++j) x[j] += m.means[k][j];
}

}  // namespace

Target gaussian_mixture(const GaussianMixtureOptions& options) {
  const Mixture m = checked(options);
  const std::size_t d = m.dim;
  std::vector<double> mean(d), covariance(d * d);
  for (std::size_t k = 0; k < m.size(); ++k) {
    for (std::size_t j = 0; j < d; ++j) mean[j] += m.weights[k] * m.means[k][j];
  }
  for (std::size_t k = 0; k < m.size(); ++k) {
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        covariance[i * d + j] +=
            m.weights[k] * (options.covariances[k][i * d + j] +
                            (m.means[k][i] - mean[i]) * (m.means[k][j] - mean[j]));
      }
    }
  }
  return {.name = "gaussian_mixture",
          .dim = d,
          .energy = energy_of(m),
          .log_prob = [m](std::span<const double> x) { return log_prob_of(m, x); },
          .sample = sample_rows("gaussian mixture", d,
                                [m](ad::Draws& draws, std::span<double> x) { draw(m, draws, x); }),
          .mean = mean,
          .covariance = covariance};
}

Target gaussian(const GaussianOptions& options) {
  Target target = gaussian_mixture({.means = {options.mean}, .covariances = {options.covariance}});
  target.name = "gaussian";
  return target;
}

Target isotropic_mixture(const IsotropicMixtureOptions& options) {
  if (options.variances.size() != options.means.size()) {
    throw std::invalid_argument("gaussian mixture: " + std::to_string(options.means.size()) +
                                " means and " + std::to_string(options.variances.size()) +
                                " variances; need as many");
  }
  GaussianMixtureOptions full{.weights = options.weights, .means = options.means};
  for (std::size_t k = 0; k < options.means.size(); ++k) {
    const std::size_t d = options.means[k].size();
    std::vector<double> covariance(d * d);
    for (std::size_t j = 0; j < d; ++j) covariance[j * d + j] = options.variances[k];
    full.covariances.push_back(covariance);
  }
  return gaussian_mixture(full);
}

IsotropicMixtureOptions eight_gaussians_mixture(const EightGaussiansOptions& options) {
  IsotropicMixtureOptions mixture{.weights = options.weights};
  for (int i = 0; i < 8; ++i) {
    const double angle = i * std::numbers::pi / 4;
    mixture.means.push_back({options.radius * std::cos(angle), options.radius * std::sin(angle)});
    mixture.variances.push_back(options.std * options.std);
  }
  return mixture;
}

Target eight_gaussians(const EightGaussiansOptions& options) {
  Target target = isotropic_mixture(eight_gaussians_mixture(options));
  target.name = "eight_gaussians";
  return target;
}

}  // namespace eqp::mcmc
