#include "mcmc/targets/mixture.hpp"

#include <numeric>
#include <stdexcept>

namespace eqp::mcmc {

std::vector<double> normalised_weights(const std::string& who, std::span<const double> weights,
                                       std::size_t count) {
  if (weights.empty()) return std::vector<double>(count, 1.0 / double(count));
  if (weights.size() != count) {
    throw std::invalid_argument(who + ": " + std::to_string(weights.size()) + " weights for " +
                                std::to_string(count) + " components; need one each");
  }
  for (const double w : weights) {
    if (!(std::isfinite(w) && w >= 0)) {
      throw std::invalid_argument(who + ": weight " + std::to_string(w) +
                                  "; need numbers that are not negative");
    }
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(total > 0 && std::isfinite(total))) {
    throw std::invalid_argument(who + ": weights sum to " + std::to_string(total) +
                                ", need a positive number");
  }
  std::vector<double> scaled(weights.begin(), weights.end());
  for (double& w : scaled) w /= total;
  return scaled;
}

std::size_t pick(std::span<const double> weights, double u) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    last = i;
    if (u < weights[i]) return i;
    u -= weights[i];
  }
  // The weights summed to 1 - rounding, and u was beyond.
  return last;
}

}  // namespace eqp::mcmc
