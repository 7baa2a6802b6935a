#pragma once

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

struct NceOptions {
  std::size_t batch = 256;
  std::size_t noise_per_point = 1;  // nu
  ad::Key key;
};

/// What tells data from noise: G(x) = -U(x) - log_z - log q(x) - log nu, the log odds of a point to
/// be one of the data when there are nu points of the noise q for each of them.
struct NoiseOdds {
  mcmc::Energy energy;
  ad::Param log_z;
  double noise_per_point = 1;

  /// x (n, d), log q(x) (n) -> (n)
  ad::Var operator()(ad::Var x, ad::Var log_q) const {
    return -energy(x) - log_z.on(*x.tape) - log_q - std::log(noise_per_point);
  }
};

/// The log-normaliser that these methods learn, as the parameter "log_z" of params.
inline ad::Param add_log_z(ad::Params& params) {
  return params.add("log_z", {1}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
}

/// The classification of data against noise, with a log-normaliser that is a parameter already.
/// Throws std::invalid_argument without noise.
inline Objective nce(mcmc::Energy energy, ad::Param log_z, DataSource data, mcmc::Proposal noise,
                     NceOptions o) {
  if (o.noise_per_point == 0) {
    throw std::invalid_argument("nce: 0 noise points per data point: need at least 1");
  }
  const std::size_t nu = o.noise_per_point;
  const NoiseOdds log_odds{std::move(energy), log_z, double(nu)};
  return {
      .name = "nce",
      .batch = o.batch,
      .row_shapes = {{noise.dim}, {nu * noise.noise_dim}},
      .loss =
          [=](std::span<const ad::Var> in) {
            const std::size_t n = in[0].shape()[0];
            const ad::Var normals = reshape(in[1], {n * nu, noise.noise_dim});
            const ad::Var q = ad::stop_gradient(noise.sample(normals).first);
            const ad::Var on_noise = ad::softplus(log_odds(q, noise.log_prob(q)));
            const ad::Var on_data = ad::softplus(-log_odds(in[0], noise.log_prob(in[0])));
            return on_data + sum(reshape(on_noise, {n, nu}), 1);
          },
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            ad::BlockRng{o.key, t}.normal(in[1]);
          },
  };
}

/// Noise contrastive estimation (Gutmann & Hyvarinen 2010): classifies data against draws of
/// `noise` by their log odds G, softplus(-G) on data and softplus(G) on noise, with the
/// log-normaliser learned: adds the parameter "log_z" to params.
inline Objective nce(mcmc::Energy energy, ad::Params& params, DataSource data, mcmc::Proposal noise,
                     NceOptions o) {
  return nce(std::move(energy), add_log_z(params), std::move(data), std::move(noise), o);
}

}  // namespace eqp::train
