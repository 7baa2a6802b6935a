#include "nn/init.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace eqp::nn {
namespace {

// The spread of one array: half the width of a uniform, or a standard deviation.
using Spread = std::function<double(const Fan&)>;

Fill uniform_within(Spread spread) {
  return [=](std::span<Real> values, const Fan& fan, ad::Draws& draws) {
    const double bound = spread(fan);
    for (Real& v : values) v = Real(bound * (2 * draws.uniform() - 1));
  };
}

Fill normal_with(Spread spread) {
  return [=](std::span<Real> values, const Fan& fan, ad::Draws& draws) {
    const double std = spread(fan);
    for (Real& v : values) v = Real(std * draws.normal());
  };
}

void zero(std::span<Real> values, const Fan&, ad::Draws&) { std::ranges::fill(values, Real(0)); }

// Written so that a NaN fails.
void check(const std::string& what, double value) {
  if (value >= 0 && std::isfinite(value)) return;
  throw std::invalid_argument(what + " " + std::to_string(value) +
                              "; need a finite number, at least 0");
}

}  // namespace

Init torch_linear(double gain) {
  check("torch_linear: gain", gain);
  const Fill fill =
      uniform_within([=](const Fan& fan) { return gain / std::sqrt(double(fan.in)); });
  return {fill, fill};
}

Init glorot_uniform(double gain) {
  check("glorot_uniform: gain", gain);
  return {uniform_within(
              [=](const Fan& fan) { return gain * std::sqrt(6.0 / double(fan.in + fan.out)); }),
          zero};
}

Init glorot_normal() {
  return {normal_with([](const Fan& fan) { return std::sqrt(2.0 / double(fan.in + fan.out)); }),
          zero};
}

Init normal(double std) {
  check("normal: standard deviation", std);
  return {normal_with([=](const Fan&) { return std; }), zero};
}

Init fan_in_normal(double gain) {
  check("fan_in_normal: gain", gain);
  return {normal_with([=](const Fan& fan) { return gain / std::sqrt(double(fan.in)); }), zero};
}

Init zeros() { return {zero, zero}; }

Init without_bias(const Init& init) { return {init.weight, {}}; }

}  // namespace eqp::nn
