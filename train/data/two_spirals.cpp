#include "train/data/two_spirals.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <stdexcept>

#include "mcmc/targets/mixture.hpp"
#include "train/data/gauss_rule.hpp"

namespace eqp::train {
namespace {

using std::numbers::pi;

constexpr double kEnd = 3 * pi;  // of t

struct Point {
  double x, y;
};

Point arm(double t) { return {-t / 3 * std::cos(t), t / 3 * std::sin(t)}; }
Point opposite(Point p) { return {-p.x, -p.y}; }

// The arm through arm(t), as the nodes and weights of a quadrature.
class Arm {
 public:
  explicit Arm(double noise) : noise_(noise) {
    const double fastest = std::hypot(kEnd, 1) / 3;  // |d arm / dt| at the end
    const auto pieces = std::size_t(std::ceil(kEnd * fastest / noise));
    const double h = kEnd / double(pieces);
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      for (std::size_t i = 0; i < kGaussNodes.size(); ++i) {
        const double t = h * (double(piece) + 0.5 + 0.5 * kGaussNodes[i]);
        points_.push_back(arm(t));
        // u = (t / 3 pi)^2
        weights_.push_back(0.5 * h * kGaussWeights[i] * 2 * t / (kEnd * kEnd));
      }
    }
  }

  double squared_distance(Point p) const {
    double least = std::numeric_limits<double>::infinity();
    for (const Point& c : points_) least = std::min(least, square(p, c));
    return least;
  }

  double log_prob(Point p) const {
    const double nearest = squared_distance(p), scale = 0.5 / (noise_ * noise_);
    double total = 0;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const double exponent = scale * (nearest - square(p, points_[i]));
      if (exponent > -40) total += weights_[i] * std::exp(exponent);
    }
    return std::log(total * scale / pi) - scale * nearest;
  }

 private:
  static double square(Point p, Point c) {
    return (p.x - c.x) * (p.x - c.x) + (p.y - c.y) * (p.y - c.y);
  }

  double noise_;
  std::vector<Point> points_;
  std::vector<double> weights_;
};

}  // namespace

Distribution two_spirals(const TwoSpiralsOptions& options) {
  const double noise = options.noise;
  if (!(noise >= 0.01 && noise <= 1)) {
    throw std::invalid_argument("two spirals: noise " + std::to_string(noise) +
                                ", need between 0.01 and 1");
  }
  const auto first = std::make_shared<const Arm>(noise);
  Distribution d{.name = "two_spirals"};
  d.sample = mcmc::sample_rows("two spirals", 2, [=](ad::Draws& draws, std::span<double> x) {
    const bool other = draws.uniform() < 0.5;
    const Point on_arm = arm(kEnd * std::sqrt(draws.uniform()));
    const Point p = other ? opposite(on_arm) : on_arm;
    x[0] = p.x + noise * draws.normal();
    x[1] = p.y + noise * draws.normal();
  });
  d.log_prob = [=](std::span<const double> x) {
    const Point p{x[0], x[1]};
    return std::log(0.5) + mcmc::log_add(first->log_prob(p), first->log_prob(opposite(p)));
  };
  d.modes = {.of = [=](std::span<const Real> x) -> std::size_t {
               const Point p{double(x[0]), double(x[1])};
               return first->squared_distance(opposite(p)) < first->squared_distance(p);
             },
             .count = 2};
  d.weights = {0.5, 0.5};
  // E x^2 = 2 / (81 pi^2) int_0^{3 pi} t^3 cos^2 t dt; that of y has - 1 / 12.
  d.base_variance = pi * pi / 4 + 1. / 12 + noise * noise;
  return d;
}

}  // namespace eqp::train
