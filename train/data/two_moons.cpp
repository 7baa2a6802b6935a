#include "train/data/two_moons.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>

#include "mcmc/targets/mixture.hpp"
#include "train/data/gauss_rule.hpp"

namespace eqp::train {
namespace {

using std::numbers::pi;
using Point = std::array<double, 2>;

/// The half turn that maps each moon onto the other.
Point turned(Point p) { return {1 - p[0], 0.5 - p[1]}; }

double distance_to_upper_arc(Point p) {
  return p[1] >= 0 ? std::abs(std::hypot(p[0], p[1]) - 1) : std::hypot(std::abs(p[0]) - 1, p[1]);
}

bool nearer_to_lower(Point p) {
  return distance_to_upper_arc(turned(p)) < distance_to_upper_arc(p);
}

/// log density of the upper moon.
class Moon {
 public:
  explicit Moon(double noise) : noise_(noise) {
    const auto pieces = std::size_t(std::ceil(pi / (0.5 * noise)));
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      for (std::size_t i = 0; i < kGaussNodes.size(); ++i) {
        const double t = pi / double(pieces) * (double(piece) + 0.5 + 0.5 * kGaussNodes[i]);
        cos_.push_back(std::cos(t));
        sin_.push_back(std::sin(t));
        weight_.push_back(0.5 * kGaussWeights[i] / double(pieces));
      }
    }
  }

  double log_prob(Point p) const {
    // |p - c(t)|^2 = |p|^2 + 1 - 2 p.c(t): only the last term varies along the arc.
    const double scale = 1 / (noise_ * noise_), px = scale * p[0], py = scale * p[1];
    double top = px * cos_[0] + py * sin_[0];
    for (std::size_t i = 1; i < cos_.size(); ++i) top = std::max(top, px * cos_[i] + py * sin_[i]);
    double total = 0;
    for (std::size_t i = 0; i < cos_.size(); ++i) {
      const double exponent = px * cos_[i] + py * sin_[i] - top;
      if (exponent > -40) total += weight_[i] * std::exp(exponent);
    }
    return std::log(total * scale / (2 * pi)) + top - 0.5 * scale * (p[0] * p[0] + p[1] * p[1] + 1);
  }

 private:
  double noise_;
  std::vector<double> cos_, sin_, weight_;
};

/// The fraction of a moon's draws that end nearer to the other arc, to about 1e-5: a midpoint rule
/// over t and, at each t, over the noise, on a grid that is shifted from one t to the next (by
/// multiples of powers of 0.7549, the plastic number's inverse), so that the errors at the border
/// average out.
double exchanged(double noise) {
  constexpr int kAlong = 200, kNoise = 60;
  constexpr double reach = 5, h = 2 * reach / kNoise, shift = 0.7548776662466927;
  double total = 0, lost = 0;
  for (int k = 0; k < kAlong; ++k) {
    const double t = pi * (k + 0.5) / kAlong;
    const double first_a = h * std::fmod(k * shift, 1) - reach;
    const double first_b = h * std::fmod(k * shift * shift, 1) - reach;
    for (int i = 0; i < kNoise; ++i) {
      for (int j = 0; j < kNoise; ++j) {
        const double a = first_a + i * h, b = first_b + j * h;
        const double p = std::exp(-0.5 * (a * a + b * b));
        total += p;
        if (nearer_to_lower({std::cos(t) + noise * a, std::sin(t) + noise * b})) lost += p;
      }
    }
  }
  return lost / total;
}

}  // namespace

Distribution two_moons(const TwoMoonsOptions& options) {
  const double noise = options.noise;
  if (!(noise >= 0.01 && noise <= 1)) {
    throw std::invalid_argument("two moons: noise " + std::to_string(noise) +
                                ", need between 0.01 and 1");
  }
  const auto w = mcmc::normalised_weights("two moons", options.weights, 2);
  const auto moon = std::make_shared<const Moon>(noise);
  const double leak = exchanged(noise);

  // E x^2 and E y^2 are 1/2 and 1/2 on the upper arc, 3/2 and 3/4 - 2/pi on the lower one.
  const double mean_x = w[1], mean_y = w[0] * 2 / pi + w[1] * (0.5 - 2 / pi);
  const double variance_x = 0.5 * w[0] + 1.5 * w[1] - mean_x * mean_x;
  const double variance_y = 0.5 * w[0] + (0.75 - 2 / pi) * w[1] - mean_y * mean_y;

  Distribution d{.name = "two_moons"};
  d.sample = mcmc::sample_rows("two moons", 2, [=](ad::Draws& draws, std::span<double> x) {
    const bool lower = mcmc::pick(w, draws.uniform()) == 1;
    const double t = pi * draws.uniform();
    const Point on_arc{std::cos(t), std::sin(t)}, p = lower ? turned(on_arc) : on_arc;
    x[0] = p[0] + noise * draws.normal();
    x[1] = p[1] + noise * draws.normal();
  });
  d.log_prob = [=](std::span<const double> x) {
    const Point p{x[0], x[1]};
    return mcmc::log_add(std::log(w[0]) + moon->log_prob(p),
                         std::log(w[1]) + moon->log_prob(turned(p)));
  };
  d.modes = {.of =
                 [](std::span<const Real> x) {
                   return std::size_t(nearer_to_lower({x[0], x[1]}));
                 },
             .count = 2};
  d.weights = {w[0] * (1 - leak) + w[1] * leak, w[1] * (1 - leak) + w[0] * leak};
  d.base_variance = std::max(variance_x, variance_y) + noise * noise;
  return d;
}

}  // namespace eqp::train
