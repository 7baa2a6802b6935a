#include "train/data/region_masses.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "mcmc/targets/mixture.hpp"

namespace eqp::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

struct Interval {
  double low = -kInfinity, high = kInfinity;

  /// Its mass under N(mean, std^2); 0 if it is empty.
  double mass(double mean, double std) const {
    if (!(low < high)) return 0;
    return normal_cdf((high - mean) / std) - normal_cdf((low - mean) / std);
  }
};

/// The x at height y that are nearest to centre k.
Interval nearest_interval(const std::vector<std::vector<double>>& centres, std::size_t k,
                          double y) {
  Interval cell;
  const auto& c = centres[k];
  for (std::size_t l = 0; l < centres.size(); ++l) {
    if (l == k) continue;
    const double dx = centres[l][0] - c[0], dy = centres[l][1] - c[1];
    // |p - c|^2 <= |p - c_l|^2 along the line: dx (x - mid_x) <= -dy (y - mid_y)
    const double mid_x = (centres[l][0] + c[0]) / 2, rest = -dy * (y - (centres[l][1] + c[1]) / 2);
    if (dx > 0) cell.high = std::min(cell.high, mid_x + rest / dx);
    if (dx < 0) cell.low = std::max(cell.low, mid_x + rest / dx);
    if (dx == 0 && rest < 0) return {kInfinity, -kInfinity};
  }
  return cell;
}

}  // namespace

std::vector<double> nearest_centre_masses(const mcmc::IsotropicMixtureOptions& mixture) {
  constexpr int kLines = 4000;
  constexpr double reach = 6.4, h = 2 * reach / kLines;  // in standard deviations
  const auto& centres = mixture.means;
  const auto weights = mcmc::normalised_weights("nearest centre", mixture.weights, centres.size());
  std::vector<double> masses(centres.size());
  for (std::size_t j = 0; j < centres.size(); ++j) {
    const double std = std::sqrt(mixture.variances[j]);
    for (int line = 0; line < kLines; ++line) {
      const double z = -reach + (line + 0.5) * h, y = centres[j][1] + std * z;
      const double p = weights[j] * h * std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
      for (std::size_t k = 0; k < centres.size(); ++k) {
        masses[k] += p * nearest_interval(centres, k, y).mass(centres[j][0], std);
      }
    }
  }
  return masses;
}

std::vector<double> nearest_radius_masses(const mcmc::RingsOptions& rings) {
  const auto& radii = rings.radii;
  const auto weights = mcmc::normalised_weights("rings", rings.weights, radii.size());
  std::vector<double> masses(radii.size());
  for (std::size_t k = 0; k < radii.size(); ++k) {
    Interval cell;
    for (const double radius : radii) {
      const double border = (radius + radii[k]) / 2;
      if (radius > radii[k]) cell.high = std::min(cell.high, border);
      if (radius < radii[k]) cell.low = std::max(cell.low, border);
    }
    for (std::size_t j = 0; j < radii.size(); ++j) {
      masses[k] += weights[j] * cell.mass(radii[j], rings.std);
    }
  }
  return masses;
}

}  // namespace eqp::train
