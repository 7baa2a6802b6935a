#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "mcmc/log_z.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/path.hpp"
#include "mcmc/proposal.hpp"
#include "tests/mcmc/laws.hpp"

// Paths with a known log Z, and how estimates of it compare with their error bars.
namespace eqp::mcmc::test {

/// From N(0, 1.5^2 I) to exp(-|x - m|^2 / 2 s^2) in 3 dimensions.
struct GaussianPath {
  double m = 0.5, s = 0.9;

  Proposal base() const { return gaussian_proposal({0, 0, 0}, {1.5, 1.5, 1.5}); }
  Energy target() const {
    return [*this](ad::Var x) { return sum(square(x - m), 1) / (2 * s * s); };
  }
  Path path() const { return geometric_path(base(), target()); }
  double log_z() const { return 1.5 * std::log(2 * std::numbers::pi * s * s); }
  ad::Tensor sample(std::size_t n, ad::Key key) const {
    ad::Tensor x = ad::normal({n, 3}, key);
    for (Real& v : x.flat()) v = Real(m + s * v);
    return x;
  }
};

/// From a wide Gaussian to exp(3) times the asymmetric mixture: log Z = 3.
inline Path mixture_path() {
  const Proposal base = gaussian_proposal({0.2, 0.3}, {1.6, 1.4});
  return geometric_path(base, [u = asymmetric_mixture().energy()](ad::Var x) { return u(x) - 3; });
}

inline auto mala_of(std::size_t dim, double h) {
  return [=](const Energy& energy) { return Mala(energy, dim, {.step_size = h}); };
}

/// Of estimates of log Z from runs with different keys.
struct Calibration {
  double mean_z = 0, sd_z = 0;       // of (estimate - truth) / error bar
  double mean_ratio = 0, error = 0;  // of exp(estimate - truth), which is 1 for an unbiased Z
  double repeats = 0;
};
template <class Run>
Calibration calibrate(std::size_t repeats, double truth, const Run& run) {
  Calibration c{.repeats = double(repeats)};
  std::vector<double> z, ratio;
  for (std::uint32_t t = 0; t < repeats; ++t) {
    const LogZ estimate = run(ad::Key{.seed = 1000 + t});
    z.push_back((estimate.value - truth) / estimate.error);
    ratio.push_back(estimate.value - truth);
  }
  for (const double v : z) c.mean_z += v / c.repeats;
  for (const double v : z) c.sd_z += (v - c.mean_z) * (v - c.mean_z) / (c.repeats - 1);
  c.sd_z = std::sqrt(c.sd_z);
  const LogZ mean = log_mean_weight(ratio);
  c.mean_ratio = std::exp(mean.value);
  c.error = mean.error * c.mean_ratio;
  return c;
}

}  // namespace eqp::mcmc::test
