#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

/// The energy of a distribution blurred by noise of standard deviation sigma.
/// x (n, d), sigma (n, 1) -> U (n)
using NoisyEnergy = std::function<ad::Var(ad::Var x, ad::Var sigma)>;

struct DsmOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::vector<double> sigmas = {0.1};  // noise levels; each row draws one of them
  std::vector<double> weights = {};    // of the levels, by how often they are drawn; none: equal
  ad::Key key;
};

/// n levels from the largest to the smallest, each the same part of the one before (Song & Ermon
/// 2019). Throws std::invalid_argument unless 0 < smallest < largest and n >= 2.
inline std::vector<double> geometric_sigmas(double largest, double smallest, std::size_t n) {
  if (!(smallest > 0 && smallest < largest) || n < 2) {
    throw std::invalid_argument("geometric_sigmas: " + std::to_string(n) + " levels from " +
                                std::to_string(largest) + " to " + std::to_string(smallest) +
                                ": need at least 2 that fall and stay above 0");
  }
  std::vector<double> sigmas(n);
  for (std::size_t k = 0; k < n; ++k) {
    sigmas[k] = largest * std::pow(smallest / largest, double(k) / double(n - 1));
  }
  return sigmas;
}

/// Denoising score matching of an energy that knows the noise level: at each of several the data
/// blurred by it (Song & Ermon 2019, eq. 6, of scores; here those are gradients). A row draws a
/// level by its weight, and its loss is multiplied by sigma^2. Large levels fix how much mass modes
/// have that small ones leave apart, but nothing ties one level to the next save the smoothness of
/// the energy in sigma. Needs an energy with a second derivative: not relu. Throws
/// std::invalid_argument without levels, for one that is not positive, and unless there is a
/// positive weight for each or for none.
inline Objective noise_conditional_dsm(NoisyEnergy energy, DataSource data, DsmOptions o) {
  if (o.sigmas.empty()) throw std::invalid_argument("dsm: no noise levels: need at least 1");
  for (const double sigma : o.sigmas) {
    if (sigma > 0) continue;
    throw std::invalid_argument("dsm: noise level " + std::to_string(sigma) + ": need above 0");
  }
  if (o.weights.empty()) o.weights.assign(o.sigmas.size(), 1);
  if (o.weights.size() != o.sigmas.size()) {
    throw std::invalid_argument("dsm: " + std::to_string(o.weights.size()) + " weights of " +
                                std::to_string(o.sigmas.size()) + " noise levels: need as many");
  }
  for (const double weight : o.weights) {
    if (weight > 0 && std::isfinite(weight)) continue;
    throw std::invalid_argument("dsm: weight " + std::to_string(weight) +
                                " of a noise level: need above 0");
  }
  std::vector<double> share(o.weights.size());  // of this level and those before
  std::partial_sum(o.weights.begin(), o.weights.end(), share.begin());
  for (double& s : share) s /= share.back();
  return {
      .name = "noise_conditional_dsm",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.dim}, {1}},
      .loss =
          [=](std::span<const ad::Var> in) {
            const ad::Var noise = in[1], sigma = in[2], noisy = in[0] + sigma * noise;
            const ad::Var score = -ad::grad(energy(noisy, sigma), noisy);
            return 0.5 * sum(square(sigma * score + noise), 1);
          },
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            const ad::BlockRng rng{o.key, t};
            rng.normal(in[1]);
            for (std::size_t i = 0; i < in[2].rows(); ++i) {
              const auto level = std::ranges::upper_bound(share, rng.uniform(i)) - share.begin();
              in[2][i] = Real(o.sigmas[std::size_t(level)]);
            }
          },
  };
}

/// Denoising score matching (Vincent 2011), weighted by sigma^2: 1/2 |sigma grad U(x + sigma e) -
/// e|^2. Learns the density of the data blurred by the noise, at several levels their mixture's
/// compromise. Needs an energy with a second derivative: not relu. Throws std::invalid_argument as
/// noise_conditional_dsm does.
inline Objective dsm(mcmc::Energy energy, DataSource data, DsmOptions o) {
  Objective objective = noise_conditional_dsm([=](ad::Var x, ad::Var) { return energy(x); },
                                              std::move(data), std::move(o));
  objective.name = "dsm";
  return objective;
}

}  // namespace eqp::train
