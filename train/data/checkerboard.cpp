#include "train/data/checkerboard.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mcmc/targets/mixture.hpp"

namespace eqp::train {
namespace {

constexpr std::size_t kSquares = 8;
constexpr double kSide = 2;

struct Corner {
  double x, y;  // the lower left one
};

Corner corner(std::size_t square) {
  const std::size_t row = square / 2, column = 2 * (square % 2) + (row % 2 == 0 ? 1 : 0);
  return {-4 + kSide * double(column), 2 - kSide * double(row)};
}

/// 0 inside and on the edge of the square.
double squared_distance(std::size_t square, double x, double y) {
  const Corner c = corner(square);
  const double dx = std::max({c.x - x, x - c.x - kSide, 0.0});
  const double dy = std::max({c.y - y, y - c.y - kSide, 0.0});
  return dx * dx + dy * dy;
}

std::size_t nearest_square(double x, double y) {
  std::size_t nearest = 0;
  for (std::size_t s = 1; s < kSquares; ++s) {
    if (squared_distance(s, x, y) < squared_distance(nearest, x, y)) nearest = s;
  }
  return nearest;
}

}  // namespace

Distribution checkerboard(const CheckerboardOptions& options) {
  const auto w = mcmc::normalised_weights("checkerboard", options.weights, kSquares);
  Distribution d{.name = "checkerboard"};
  d.sample = mcmc::sample_rows("checkerboard", 2, [=](ad::Draws& draws, std::span<double> x) {
    const Corner c = corner(mcmc::pick(w, draws.uniform()));
    x[0] = c.x + kSide * draws.uniform();
    x[1] = c.y + kSide * draws.uniform();
  });
  d.log_prob = [=](std::span<const double> x) {
    const std::size_t s = nearest_square(x[0], x[1]);
    if (squared_distance(s, x[0], x[1]) > 0) return -std::numeric_limits<double>::infinity();
    return std::log(w[s] / (kSide * kSide));
  };
  d.modes = {.of = [](std::span<const Real> x) { return nearest_square(x[0], x[1]); },
             .count = kSquares};
  d.weights = w;
  double mean_x = 0, mean_y = 0, square_x = 0, square_y = 0;
  for (std::size_t s = 0; s < kSquares; ++s) {
    const double x = corner(s).x + kSide / 2, y = corner(s).y + kSide / 2;
    mean_x += w[s] * x;
    mean_y += w[s] * y;
    square_x += w[s] * x * x;
    square_y += w[s] * y * y;
  }
  d.base_variance =
      std::max(square_x - mean_x * mean_x, square_y - mean_y * mean_y) + kSide * kSide / 12;
  return d;
}

}  // namespace eqp::train
