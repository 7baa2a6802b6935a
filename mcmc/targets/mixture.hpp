#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

// What mixtures of any kind share.
namespace eqp::mcmc {

/// The weights of `count` components, scaled to sum 1; equal ones if none are given. Throws
/// std::invalid_argument, in the name of `who`, for another number of them, a negative one or none
/// that is positive.
std::vector<double> normalised_weights(const std::string& who, std::span<const double> weights,
                                       std::size_t count);

/// The component that a uniform u on (0, 1) falls on: i with probability weights[i] (of sum 1).
std::size_t pick(std::span<const double> weights, double u);

/// log(exp(a) + exp(b)) without overflow.
inline double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  if (b == -std::numeric_limits<double>::infinity()) return a;
  return a + std::log1p(std::exp(b - a));
}

}  // namespace eqp::mcmc
