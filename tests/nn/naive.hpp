#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "autodiff/params.hpp"
#include "autodiff/random.hpp"

// Networks by the book, in double, with loops: the oracle of the layers.
namespace eqp::nn::test {

using Vector = std::vector<double>;

/// Differences between a network and its oracle: some roundings of values of order one.
inline constexpr double kTolerance = sizeof(Real) == 8 ? 1e-12 : 2e-5;

inline double silu(double v) { return v / (1 + std::exp(-v)); }
inline double gelu(double v) { return 0.5 * v * std::erfc(-v / std::numbers::sqrt2); }
inline double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

inline Vector each(double (*f)(double), Vector x) {
  for (double& v : x) v = f(v);
  return x;
}
inline Vector operator+(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
inline Vector joined(Vector a, const Vector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline Vector doubles(std::span<const Real> v) { return {v.begin(), v.end()}; }

/// Layers by the names of their parameters.
class Layers {
 public:
  explicit Layers(const ad::Params& params) : params_(params) {}

  /// W x + b, or W x where there is no bias.
  Vector linear(const std::string& name, const Vector& x) const {
    const ad::Params::Entry& weight = *find(name + ".weight");
    const ad::Params::Entry* bias = find(name + ".bias");
    const ad::ConstView w = params_.view(weight);
    if (x.size() != w.shape[1]) throw std::logic_error(name + ": naive input of another width");
    Vector y(w.shape[0]);
    for (std::size_t o = 0; o < y.size(); ++o) {
      if (bias) y[o] = params_.view(*bias)[o];
      for (std::size_t i = 0; i < x.size(); ++i) y[o] += double(w(o, i)) * x[i];
    }
    return y;
  }

  /// A perceptron whose layers are <name>.0, <name>.2, ... as long as there are any.
  Vector mlp(const std::string& name, double (*activation)(double), Vector x) const {
    for (std::size_t i = 0;; i += 2) {
      x = linear(name + "." + std::to_string(i), x);
      if (!find(name + "." + std::to_string(i + 2) + ".weight")) return x;
      x = each(activation, x);
    }
  }

 private:
  const ad::Params::Entry* find(const std::string& name) const {
    const auto it = std::ranges::find(params_.entries(), name, &ad::Params::Entry::name);
    return it == params_.entries().end() ? nullptr : &*it;
  }

  const ad::Params& params_;
};

/// Every parameter far from where it begins: weights N(0, scale^2 / fan in), biases
/// N(0, scale^2 / 4).
inline void randomise(ad::Params& params, double scale, ad::Key key) {
  ad::Draws draws(key);
  const std::span<Real> values = params.mutate();
  for (const auto& e : params.entries()) {
    const double std = e.shape.rank() == 2 ? scale / std::sqrt(double(e.shape[1])) : scale / 2;
    for (Real& v : values.subspan(e.offset, e.shape.size())) v = Real(std * draws.normal());
  }
}

}  // namespace eqp::nn::test
