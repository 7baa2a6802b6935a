#include "mcmc/log_weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>

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

/// The generalised Pareto distribution.
struct Pareto {
  double k, sigma;

  double quantile(double p) const {
    const double log_survival = std::log1p(-p);
    if (std::abs(k) < std::numeric_limits<double>::epsilon()) return -sigma * log_survival;
    return sigma * std::expm1(-k * log_survival) / k;
  }
};

/// That of exceedances x, sorted and positive: theta is the mean of its posterior under a prior
/// from the data, over a grid (Zhang & Stephens 2009).
Pareto fitted(std::span<const double> x) {
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
  const double likeliest = mean / kept, k = shape_at(likeliest, x);
  constexpr double prior_weight = 10, prior_shape = 0.5;
  return {(n * k + prior_weight * prior_shape) / (n + prior_weight), -k / likeliest};
}

/// The weights that a Pareto distribution is fitted to.
struct Tail {
  double k = kInfinity;
  Pareto law{};
  double top = 0, cutoff = 0;  // log of the largest weight, and of the one below the tail over it
  std::vector<std::size_t> order;  // of the tail's weights, the smallest first; empty: no fit
};

Tail tail_of(const char* who, std::span<const double> log_weights, double relative_efficiency) {
  if (!(relative_efficiency > 0)) {
    std::ostringstream text;
    text << who << ": relative efficiency " << relative_efficiency << "; need a number above 0";
    throw std::invalid_argument(text.str());
  }
  Tail tail;
  // Before sorting: NaN have no order.
  if (std::ranges::any_of(log_weights, [](double a) { return std::isnan(a); })) {
    tail.k = kNan;
    return tail;
  }
  std::vector<std::size_t> order(log_weights.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return log_weights[i]; });
  const double n = static_cast<double>(order.size());
  const double wanted = std::ceil(std::min(n / 5, 3 * std::sqrt(n / relative_efficiency)));
  if (order.empty()) return tail;
  tail.top = log_weights[order.back()];
  if (std::isinf(tail.top)) tail.k = kNan;
  if (std::isinf(tail.top) || n < wanted + 1) return tail;
  // Weights that underflow are no part of a tail.
  tail.cutoff = std::max(log_weights[order[order.size() - std::size_t(wanted) - 1]] - tail.top,
                         std::log(std::numeric_limits<double>::min()));
  std::vector<double> excess;
  for (const std::size_t i : order) {
    const double a = log_weights[i] - tail.top;
    if (a <= tail.cutoff) continue;
    tail.order.push_back(i);
    excess.push_back(std::exp(a) - std::exp(tail.cutoff));
  }
  if (excess.size() < 5) {
    tail.order.clear();
    return tail;
  }
  tail.law = fitted(excess);
  tail.k = tail.law.k;
  if (!std::isfinite(tail.k)) tail.order.clear();
  return tail;
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
  return tail_of("pareto_k", log_weights, relative_efficiency).k;
}

SmoothedWeights pareto_smoothed(std::span<const double> log_weights, double relative_efficiency) {
  const Tail tail = tail_of("pareto_smoothed", log_weights, relative_efficiency);
  SmoothedWeights smoothed{{log_weights.begin(), log_weights.end()}, tail.k};
  const double n = static_cast<double>(tail.order.size());
  for (std::size_t i = 0; i < tail.order.size(); ++i) {
    const double excess = tail.law.quantile((static_cast<double>(i) + 0.5) / n);
    smoothed.log_weights[tail.order[i]] =
        tail.top + std::min(0.0, std::log(excess + std::exp(tail.cutoff)));
  }
  return smoothed;
}

double pareto_k_threshold(std::size_t n) {
  return std::min(1 - 1 / std::log10(static_cast<double>(n)), 0.7);
}

ImportanceReport importance_report(std::span<const double> log_w) {
  if (log_w.size() < 2) {
    throw std::invalid_argument("importance: " + std::to_string(log_w.size()) +
                                " draws; need at least 2");
  }
  const auto worst = std::ranges::max_element(log_w);
  const double ess = importance_ess(log_w), n = double(log_w.size());
  if (!std::isfinite(*worst) || std::isnan(ess)) {
    throw std::runtime_error("importance: the largest of " + std::to_string(log_w.size()) +
                             " log weights is " + std::to_string(std::isnan(ess) ? ess : *worst) +
                             "; need draws where the target is finite and not 0");
  }
  const double log_z = log_mean_exp(log_w);
  return {.draws = log_w.size(),
          .ess = ess,
          .pareto_k = pareto_k(log_w),
          .largest_weight = std::exp(*worst - log_z) / n,
          .log_z = log_z,
          .log_z_error = std::sqrt(std::max(0.0, 1 / ess - 1 / n)),
          .worst = std::size_t(worst - log_w.begin()),
          .worst_log_weight = *worst - log_z};
}

}  // namespace eqp::mcmc
