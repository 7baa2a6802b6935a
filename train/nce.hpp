#pragma once

#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

struct NceOptions {
  std::size_t batch = 256;
  std::size_t noise_per_point = 1;  // nu
  ad::Key key;
};

/// Noise contrastive estimation (Gutmann & Hyvarinen 2010): classifies data against draws of
/// `noise` by G(x) = -U(x) - log_z - log q(x) - log nu, with the log-normaliser learned:
/// softplus(-G) on data, softplus(G) on noise. Adds the parameter "log_z" to params.
inline Objective nce(mcmc::Energy energy, ad::Params& params, DataSource data, mcmc::Proposal noise,
                     NceOptions o) {
  if (o.noise_per_point == 0) {
    throw std::invalid_argument("nce: 0 noise points per data point: need at least 1");
  }
  const ad::Param log_z =
      params.add("log_z", {1}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
  const std::size_t nu = o.noise_per_point;
  const auto log_odds = [=](ad::Var x) {
    return -energy(x) - log_z.on(*x.tape) - noise.log_prob(x) - std::log(double(nu));
  };
  return {
      .name = "nce",
      .batch = o.batch,
      .row_shapes = {{noise.dim}, {nu * noise.dim}},
      .loss =
          [=](std::span<const ad::Var> in) {
            const std::size_t n = in[0].shape()[0];
            const ad::Var q =
                ad::stop_gradient(noise.sample(reshape(in[1], {n * nu, noise.dim})).first);
            const ad::Var on_noise = reshape(ad::softplus(log_odds(q)), {n, nu});
            return ad::softplus(-log_odds(in[0])) + sum(on_noise, 1);
          },
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            ad::BlockRng{o.key, t}.normal(in[1]);
          },
  };
}

}  // namespace eqp::train
