#pragma once

#include <memory>
#include <optional>

#include "mcmc/chains.hpp"
#include "mcmc/ula.hpp"
#include "train/bank.hpp"
#include "train/contrastive.hpp"

namespace eqp::train {

struct PcdOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::uint32_t steps = 20;
  double step_size = 0.01;
  double bound = std::numeric_limits<double>::infinity();  // see mcmc::Ula
  double restart_probability = 0;  // of a slot, at each use; from the law the bank started from
  double regulariser = 0;
  ad::Key key;
};

/// Persistent contrastive divergence (Tieleman 2008) with a replay buffer (Du & Mordatch 2019):
/// each update draws slots of the bank, moves them by unadjusted Langevin steps, and puts them
/// back. `start` fills the bank and restarts slots.
inline Objective pcd(mcmc::Energy energy, DataSource data, std::size_t bank_size,
                     mcmc::Sampler start, PcdOptions o) {
  const mcmc::Ula ula(energy, o.dim, {.step_size = o.step_size, .bound = o.bound});
  struct State {
    Bank bank;
    std::optional<mcmc::Chains<mcmc::Ula>> chains;
  };
  auto state = std::make_shared<State>(State{Bank(bank_size, o.dim, start, o.key.fork(0)), {}});
  return {
      .name = "pcd",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.dim}},
      .loss = contrastive_loss(energy, o.regulariser),
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            state->bank.take(t, in[1]);
            state->bank.restart(t, o.restart_probability, in[1]);
            if (state->chains) {
              state->chains->set(ula, in[1]);
            } else {
              state->chains.emplace(ula, in[1]);
            }
            state->chains->advance(ula, t * o.steps, o.steps, o.key);
            std::ranges::copy(state->chains->positions().flat(), in[1].data);
            state->bank.put_back(in[1]);
          },
  };
}

}  // namespace eqp::train
