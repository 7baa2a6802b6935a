#include "mcmc/log_z.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "mcmc/resample.hpp"

namespace eqp::mcmc {
namespace {

void check_size(const char* who, std::size_t n) {
  if (n >= 2) return;
  throw std::invalid_argument(std::string(who) + ": " + std::to_string(n) +
                              " log-weights; need at least 2");
}

double logistic(double t) { return 1 / (1 + std::exp(-t)); }

}  // namespace

LogZ log_mean_weight(std::span<const double> log_weights) {
  check_size("log_mean_weight", log_weights.size());
  check_log_weights("log_mean_weight", log_weights);
  const double n = double(log_weights.size()), top = *std::ranges::max_element(log_weights);
  double sum = 0, squares = 0;
  for (const double l : log_weights) sum += std::exp(l - top);
  const double mean = sum / n;
  for (const double l : log_weights) squares += std::pow(std::exp(l - top) - mean, 2);
  return {top + std::log(mean), std::sqrt(squares / (n - 1) / n) / mean};
}

LogZ mean_log_weight(std::span<const double> log_weights) {
  check_size("mean_log_weight", log_weights.size());
  const double n = double(log_weights.size());
  double mean = 0, squares = 0;
  for (const double l : log_weights) mean += l / n;
  for (const double l : log_weights) squares += (l - mean) * (l - mean);
  return {mean, std::sqrt(squares / (n - 1) / n)};
}

LogZ bennett(std::span<const double> forward, std::span<const double> reverse) {
  for (const auto weights : {forward, reverse}) {
    check_size("bennett", weights.size());
    for (const double l : weights) {
      if (!std::isfinite(l)) throw std::invalid_argument("bennett: a log-weight is not finite");
    }
  }
  const double m = std::log(double(reverse.size()) / double(forward.size()));
  // Falls with the guess: too much of the forward side above, too much of the reverse side below.
  const auto excess = [&](double guess) {
    double sum = 0;
    for (const double l : forward) sum += logistic(l - guess + m);
    for (const double l : reverse) sum -= logistic(guess - l - m);
    return sum;
  };
  const auto [low_f, high_f] = std::ranges::minmax(forward);
  const auto [low_r, high_r] = std::ranges::minmax(reverse);
  const double margin = std::abs(m) + std::log(double(forward.size() + reverse.size()));
  double low = std::min(low_f, low_r) - margin, high = std::max(high_f, high_r) + margin;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (low + high) / 2;
    (excess(middle) > 0 ? low : high) = middle;
  }
  double information = 0;
  for (const auto weights : {forward, reverse}) {
    for (const double l : weights) information += logistic(l - low + m) * logistic(low - l - m);
  }
  const double variance = 1 / information - 1 / double(forward.size()) - 1 / double(reverse.size());
  return {low, std::sqrt(std::max(0.0, variance))};
}

}  // namespace eqp::mcmc
