#include "mcmc/log_weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace eqp::mcmc {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// k as a function of theta = -k / sigma at which the likelihood is largest: the mean of
/// log(1 - theta x) (Zhang & Stephens 2009, where k has the other sign).
double shape_at(double theta, std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += std::log1p(-theta * v);
  return sum / static_cast<double>(x.size());
}

/// Shape of the generalised Pareto distribution of exceedances x, sorted and positive: theta is the
/// mean of its posterior under a prior from the data, over a grid (Zhang & Stephens 2009).
double fitted_shape(std::span<const double> x) {
  const double n = static_cast<double>(x.size());
  const std::size_t grid = 30 + static_cast<std::size_t>(std::sqrt(n));
  const double quartile = x[static_cast<std::size_t>(n / 4 + 0.5) - 1];
  std::vector<double> theta(grid), log_likelihood(grid);
  for (std::size_t i = 0; i < grid; ++i) {
    theta[i] = 1 / x.back() + (1 - std::sqrt(double(grid) / (double(i) + 0.5))) / (3 * quartile);
    const double k = shape_at(theta[i], x);
    log_likelihood[i] = n * (std::log(-theta[i] / k) - k - 1);
  }
  const double top = *std::ranges::max_element(log_likelihood);
  double total = 0, mean = 0;
  for (const double l : log_likelihood) total += std::exp(l - top);
  double kept = 0;
  for (std::size_t i = 0; i < grid; ++i) {
    const double weight = std::exp(log_likelihood[i] - top) / total;
    // loo and ArviZ leave out what rounding alone decides.
    if (weight < 10 * std::numeric_limits<double>::epsilon()) continue;
    kept += weight;
    mean += weight * theta[i];
  }
  constexpr double prior_weight = 10, prior_shape = 0.5;
  return (n * shape_at(mean / kept, x) + prior_weight * prior_shape) / (n + prior_weight);
}

}  // namespace

double importance_ess(std::span<const double> log_weights) {
  double top = -kInfinity;
  for (const double a : log_weights) {
    if (std::isnan(a) || a == kInfinity) return kNan;
    top = std::max(top, a);
  }
  if (top == -kInfinity) return 0;
  double sum = 0, squares = 0;
  for (const double a : log_weights) {
    const double w = std::exp(a - top);
    sum += w;
    squares += w * w;
  }
  return sum * sum / squares;
}

double log_mean_exp(std::span<const double> a) {
  if (a.empty()) throw std::invalid_argument("log_mean_exp: no values; need at least 1");
  const double top = *std::ranges::max_element(a);
  double sum = 0;
  for (const double v : a) sum += std::exp(v - (std::isinf(top) ? 0 : top));
  return (std::isinf(top) ? 0 : top) + std::log(sum / static_cast<double>(a.size()));
}

double pareto_k(std::span<const double> log_weights, double relative_efficiency) {
  if (!(relative_efficiency > 0)) {
    std::ostringstream text;
    text << "pareto_k: relative efficiency " << relative_efficiency << "; need a number above 0";
    throw std::invalid_argument(text.str());
  }
  std::vector<double> sorted(log_weights.begin(), log_weights.end());
  // Before sorting: NaN have no order.
  if (std::ranges::any_of(sorted, [](double a) { return std::isnan(a); })) return kNan;
  std::ranges::sort(sorted);
  const double n = static_cast<double>(sorted.size());
  const double wanted = std::ceil(std::min(n / 5, 3 * std::sqrt(n / relative_efficiency)));
  if (!sorted.empty() && std::isinf(sorted.back())) return kNan;
  if (n < wanted + 1) return kInfinity;
  const double top = sorted.back();
  // Weights that underflow are no part of a tail.
  const double cutoff = std::max(sorted[sorted.size() - std::size_t(wanted) - 1] - top,
                                 std::log(std::numeric_limits<double>::min()));
  std::vector<double> tail;
  for (const double a : sorted) {
    if (a - top > cutoff) tail.push_back(std::exp(a - top) - std::exp(cutoff));
  }
  return tail.size() < 5 ? kInfinity : fitted_shape(tail);
}

double pareto_k_threshold(std::size_t n) {
  return std::min(1 - 1 / std::log10(static_cast<double>(n)), 0.7);
}

}  // namespace eqp::mcmc
