#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "mcmc/targets/target.hpp"

// An exact density in the plane against its integral and its draws.
namespace eqp {

struct PlaneCheck {
  double mass;     ///< integral of the density over the square
  double entropy;  ///< minus the integral of p log p
  /// (chi^2 - degrees of freedom) / sqrt(2 degrees of freedom) of draws in coarse cells, against
  /// the density's integral over each: standard normal, about, if the draws follow the density.
  double chi_square;
  double mean_log_prob;       ///< of the draws: -entropy
  double log_prob_deviation;  ///< standard error of mean_log_prob
};

/// Over [-half, half]^2 + (x0, y0), by the midpoint rule on 600 x 600 points; cells of 20 x 20
/// points.
inline PlaneCheck check_plane(const std::function<double(std::span<const double>)>& log_prob,
                              const mcmc::Sampler& sample, double half, ad::Key key, double x0 = 0,
                              double y0 = 0) {
  constexpr std::size_t kFine = 600, kCells = 30, kDraws = 100000;
  const double h = 2 * half / kFine;
  PlaneCheck result{};
  std::vector<double> expected(kCells * kCells), observed(kCells * kCells);
  for (std::size_t i = 0; i < kFine; ++i) {
    for (std::size_t j = 0; j < kFine; ++j) {
      const double x[] = {x0 - half + (double(i) + 0.5) * h, y0 - half + (double(j) + 0.5) * h};
      const double log_p = log_prob(x), p = std::exp(log_p) * h * h;
      result.mass += p;
      if (p > 0) result.entropy -= p * log_p;
      expected[i * kCells / kFine * kCells + j * kCells / kFine] += p * kDraws;
    }
  }

  ad::Tensor draws({kDraws, 2});
  sample(draws, key, 0);
  double squares = 0, outside = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    const double x[] = {draws(i, 0), draws(i, 1)};
    const double log_p = log_prob(x);
    result.mean_log_prob += log_p / kDraws;
    squares += log_p * log_p / kDraws;
    const double a = (x[0] - x0 + half) / (2 * half), b = (x[1] - y0 + half) / (2 * half);
    if (std::min(a, b) >= 0 && std::max(a, b) < 1) {
      observed[std::size_t(a * kCells) * kCells + std::size_t(b * kCells)] += 1;
    } else {
      ++outside;
    }
  }
  result.log_prob_deviation =
      std::sqrt((squares - result.mean_log_prob * result.mean_log_prob) / kDraws);

  // Cells that expect fewer than 10 draws are taken together.
  double statistic = 0, rare_expected = kDraws * (1 - result.mass), rare_observed = outside;
  double freedom = -1;
  const auto add = [&](double seen, double mean) {
    statistic += (seen - mean) * (seen - mean) / mean;
    ++freedom;
  };
  for (std::size_t c = 0; c < expected.size(); ++c) {
    if (expected[c] >= 10) {
      add(observed[c], expected[c]);
    } else {
      rare_expected += expected[c];
      rare_observed += observed[c];
    }
  }
  if (rare_expected >= 10) add(rare_observed, rare_expected);
  result.chi_square = (statistic - freedom) / std::sqrt(2 * freedom);
  return result;
}

}  // namespace eqp
