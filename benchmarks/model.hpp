#pragma once

#include "mcmc/energy.hpp"
#include "nn/mlp.hpp"

namespace eqp::bench {

/// The energy of most workloads: U(x) = net(x) + |x|^2 / 2 with a SiLU network d-width-width-1.
struct Model {
  Model(std::size_t d, std::size_t width, ad::Key key)
      : net(params, "net", {d, width, width, 1}, ad::silu, key),
        energy([this](ad::Var x) { return sum(net(x), 1) + 0.5 * sum(square(x), 1); }) {}

  ad::Params params;
  nn::Mlp net;
  mcmc::Energy energy;
};

/// U (n) and grad U (n, d), as samplers evaluate it.
inline ad::Function value_and_grad(mcmc::Energy energy) {
  return [energy = std::move(energy)](std::span<const ad::Var> in) -> ad::Vars {
    const ad::Var u = energy(in[0]);
    return {u, ad::grad(u, in[0])};
  };
}

}  // namespace eqp::bench
