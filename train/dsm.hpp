#pragma once

#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

struct DsmOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::vector<double> sigmas = {0.1};  // noise levels; each row draws one of them
  ad::Key key;
};

/// Denoising score matching (Vincent 2011), weighted by sigma^2: 1/2 |sigma grad U(x + sigma e) -
/// e|^2. Learns the density of the data blurred by the noise, at several levels their mixture's
/// compromise. Needs an energy with a second derivative: not relu. Throws std::invalid_argument
/// without levels or for one that is not positive.
inline Objective dsm(mcmc::Energy energy, DataSource data, DsmOptions o) {
  if (o.sigmas.empty()) throw std::invalid_argument("dsm: no noise levels: need at least 1");
  for (const double sigma : o.sigmas) {
    if (sigma > 0) continue;
    throw std::invalid_argument("dsm: noise level " + std::to_string(sigma) + ": need above 0");
  }
  return {
      .name = "dsm",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.dim}, {1}},
      .loss =
          [=](std::span<const ad::Var> in) {
            const ad::Var noise = in[1], sigma = in[2], noisy = in[0] + sigma * noise;
            const ad::Var score = -ad::grad(energy(noisy), noisy);
            return 0.5 * sum(square(sigma * score + noise), 1);
          },
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            const ad::BlockRng rng{o.key, t};
            rng.normal(in[1]);
            for (std::size_t i = 0; i < in[2].rows(); ++i) {
              const double n = double(o.sigmas.size());
              in[2][i] = Real(o.sigmas[std::size_t(rng.uniform(i) * n)]);
            }
          },
  };
}

}  // namespace eqp::train
