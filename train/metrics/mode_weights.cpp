#include "train/metrics/mode_weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace eqp::train {
namespace {

void check_weights(std::size_t estimated, std::span<const double> exact) {
  if (exact.empty() || estimated != exact.size()) {
    throw std::invalid_argument("weight_error: " + std::to_string(estimated) + " estimates for " +
                                std::to_string(exact.size()) +
                                " modes; need one for each of at least 1 mode");
  }
  const double total = std::accumulate(exact.begin(), exact.end(), 0.0);
  if (!(std::abs(total - 1) < 1e-6) || std::ranges::any_of(exact, [](double w) { return w < 0; })) {
    throw std::invalid_argument("weight_error: exact weights sum to " + std::to_string(total) +
                                "; need weights of at least 0 that sum to 1");
  }
}

double standard_error(double w, std::size_t samples) {
  return std::sqrt(w * (1 - w) / static_cast<double>(samples));
}

}  // namespace

std::size_t Modes::checked(std::span<const Real> x) const {
  const std::size_t mode = of(x);
  if (mode >= count) {
    throw std::invalid_argument("modes: a point is in mode " + std::to_string(mode) + " of " +
                                std::to_string(count) + "; modes count from 0");
  }
  return mode;
}

std::vector<std::size_t> mode_counts(ad::ConstView x, const Modes& modes) {
  std::vector<std::size_t> counts(modes.count);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const auto row = x.row(i);
    if (std::ranges::all_of(row, [](Real v) { return std::isfinite(v); }))
      ++counts[modes.checked(row)];
  }
  return counts;
}

WeightError weight_error(std::span<const double> estimated, std::span<const double> exact) {
  check_weights(estimated.size(), exact);
  double sum = 0, largest = 0;
  for (std::size_t k = 0; k < exact.size(); ++k) {
    const double deviation = std::abs(estimated[k] - exact[k]);
    sum += deviation * deviation;
    largest = std::max(largest, deviation);
  }
  const double mse = sum / static_cast<double>(exact.size());
  return {mse, std::sqrt(mse), std::isnan(mse) ? mse : largest};
}

SampleWeightError weight_error(std::span<const std::size_t> counts, std::size_t samples,
                               std::span<const double> exact) {
  check_weights(counts.size(), exact);
  const std::size_t total = std::accumulate(counts.begin(), counts.end(), std::size_t(0));
  if (samples == 0 || total > samples) {
    throw std::invalid_argument("weight_error: counts sum to " + std::to_string(total) +
                                " in a sample of " + std::to_string(samples) +
                                "; need at least 1 sample and one per count");
  }
  std::vector<double> fractions(counts.size());
  double max_z = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    fractions[k] = static_cast<double>(counts[k]) / static_cast<double>(samples);
    const double deviation = std::abs(fractions[k] - exact[k]);
    if (deviation > 0) max_z = std::max(max_z, deviation / standard_error(exact[k], samples));
  }
  return {weight_error(fractions, exact), weight_error_floor(exact, samples), max_z};
}

double weight_error_floor(std::span<const double> exact, std::size_t samples) {
  double sum = 0;
  for (const double w : exact) sum += w * (1 - w);
  return sum / static_cast<double>(exact.size() * samples);
}

}  // namespace eqp::train
