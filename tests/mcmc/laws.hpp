#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "autodiff/ops.hpp"
#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"

// Mixtures of Gaussians in the plane, of which the kernel tests know moments and marginals.
namespace eqp::mcmc::test {

struct Component {
  double weight;
  std::array<double, 2> mean;
  double xx, xy, yy;  // covariance
};

struct Law {
  std::vector<Component> components;

  /// P(x_j <= t)
  double cdf(std::size_t j, double t) const {
    double p = 0;
    for (const Component& c : components) {
      const double sd = std::sqrt(j == 0 ? c.xx : c.yy);
      p += c.weight * 0.5 * std::erfc((c.mean[j] - t) / (sd * std::numbers::sqrt2));
    }
    return p;
  }

  std::array<double, 2> mean() const {
    std::array<double, 2> m{};
    for (const Component& c : components) {
      for (std::size_t j = 0; j < 2; ++j) m[j] += c.weight * c.mean[j];
    }
    return m;
  }

  /// -log p, with normalisation, as ops.
  Energy energy() const {
    return [*this](ad::Var x) {
      const std::size_t n = x.shape()[0];
      ad::Vars terms;
      for (const Component& c : components) {
        const double det = c.xx * c.yy - c.xy * c.xy;
        const ad::Var a = ad::slice(x, 1, 0, 1) - c.mean[0], b = ad::slice(x, 1, 1, 2) - c.mean[1];
        const ad::Var q = (c.yy * ad::square(a) - 2 * c.xy * (a * b) + c.xx * ad::square(b)) / det;
        terms.push_back(
            -0.5 * q + (std::log(c.weight) - 0.5 * std::log(det) - std::log(2 * std::numbers::pi)));
      }
      return -ad::reshape(ad::logsumexp(ad::concat(terms, 1), 1), {n});
    };
  }

  /// Exact draws (n, 2).
  ad::Tensor sample(std::size_t n, ad::Key key) const {
    ad::Tensor x({n, 2});
    for (std::size_t i = 0; i < n; ++i) {
      ad::Draws draws(key, std::uint32_t(i));
      double u = draws.uniform();
      std::size_t k = 0;
      while (k + 1 < components.size() && u >= components[k].weight) u -= components[k++].weight;
      const Component& c = components[k];
      const double a = draws.normal(), b = draws.normal();
      const double l = std::sqrt(c.xx), m = c.xy / l;
      x(i, 0) = Real(c.mean[0] + l * a);
      x(i, 1) = Real(c.mean[1] + m * a + std::sqrt(c.yy - m * m) * b);
    }
    return x;
  }
};

/// N((1, -2), covariance with eigenvalues 1.6 and 0.4), the larger one at 0.5 radians.
/// Unadjusted Langevin with step h turns an eigenvalue s^2 into s^2 / (1 - h / (2 s^2)).
inline Law correlated_gaussian(double ula_step = 0) {
  const auto biased = [=](double s2) { return s2 / (1 - ula_step / (2 * s2)); };
  const double a = biased(1.6), b = biased(0.4), c = std::cos(0.5), s = std::sin(0.5);
  return {{{1, {1, -2}, a * c * c + b * s * s, (a - b) * c * s, a * s * s + b * c * c}}};
}

/// Weights 0.3 and 0.7; 2.5 apart with standard deviations near 0.6, so that local kernels cross
/// within some tens of steps.
inline Law asymmetric_mixture() {
  return {{{0.3, {-1.0, -0.6}, 0.35, 0.10, 0.25}, {0.7, {1.1, 0.8}, 0.40, -0.15, 0.50}}};
}

}  // namespace eqp::mcmc::test
