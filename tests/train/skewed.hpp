#pragma once

#include <array>
#include <numbers>

#include "tests/train/support.hpp"

// A law on the line with nothing symmetric about it, a model that holds it, and exact means: what
// losses are compared with by quadrature.
namespace eqp::train {

/// w N(-0.8, 0.6^2) + (1 - w) N(1, 0.4^2), tempered by a scale: U = -a log p, w = sigmoid(theta).
/// The data have a = 1, theta = kTheta.
struct Skewed {
  static constexpr double kMean[] = {-0.8, 1}, kSd[] = {0.6, 0.4};
  static constexpr double kTheta = -0.8;

  double a = 1, theta = kTheta;

  /// U and its first two derivatives by x.
  struct Jet {
    double u, slope, curvature;
  };
  Jet at(double x) const {
    const double log_weight[] = {-std::log1p(std::exp(-theta)), -std::log1p(std::exp(theta))};
    double p = 0, d1 = 0, d2 = 0;
    for (int k = 0; k < 2; ++k) {
      const double v = kSd[k] * kSd[k], z = x - kMean[k];
      const double q =
          std::exp(log_weight[k] - z * z / (2 * v)) / std::sqrt(2 * std::numbers::pi * v);
      p += q, d1 -= q * z / v, d2 += q * (z * z / v - 1) / v;
    }
    const double slope = d1 / p;
    return {-a * std::log(p), -a * slope, -a * (d2 / p - slope * slope)};
  }
  double density(double x) const { return std::exp(-at(x).u); }

  /// The mean of f under the data: the trapezium rule, exact to rounding for smooth f.
  template <class F>
  static double mean(const F& f) {
    const int n = 1200;
    const double low = -6, high = 4.5, h = (high - low) / n;
    double sum = 0;
    for (int i = 0; i <= n; ++i) {
      const double x = low + i * h;
      sum += Skewed{}.density(x) * f(x) * h;
    }
    return sum;
  }
};

/// Parameters "a" (1) and "theta" (1) and the energy they make.
struct SkewedModel {
  ad::Params params;
  ad::Param a, theta;
  explicit SkewedModel(const Skewed& at)
      : a(scalar(params, "a", at.a)), theta(scalar(params, "theta", at.theta)) {}

  /// x (n, 1) -> (n)
  mcmc::Energy energy() const {
    return [a = a, theta = theta](ad::Var x) {
      ad::Vars parts;
      for (int k = 0; k < 2; ++k) {
        const double v = Skewed::kSd[k] * Skewed::kSd[k];
        const ad::Var t = theta.on(*x.tape);
        parts.push_back(-ad::softplus(k == 0 ? -t : t) - 0.5 / v * square(x - Skewed::kMean[k]) -
                        0.5 * std::log(2 * std::numbers::pi * v));
      }
      return -a.on(*x.tape) * ad::logsumexp(ad::concat(parts, 1), 1);
    };
  }
};

/// Draws of the data, fresh at every step: (n, 1).
inline DataSource skewed_data(ad::Key key) {
  return [=](std::uint32_t t, ad::View out) {
    const ad::BlockRng rng{key, t};
    rng.normal(out);
    const double w = 1 / (1 + std::exp(-Skewed::kTheta));
    for (std::size_t i = 0; i < out.rows(); ++i) {
      const int k = rng.uniform(i) < w ? 0 : 1;
      out[i] = Real(Skewed::kMean[k] + Skewed::kSd[k] * double(out[i]));
    }
  };
}

/// The derivatives of f(a, theta) by its two arguments.
template <class F>
std::array<double, 2> slopes(const F& f, double a, double theta) {
  const double h = 1e-4;
  return {(f(a + h, theta) - f(a - h, theta)) / (2 * h),
          (f(a, theta + h) - f(a, theta - h)) / (2 * h)};
}

}  // namespace eqp::train
