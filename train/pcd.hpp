#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "train/bank.hpp"
#include "train/contrastive.hpp"
#include "train/langevin.hpp"

namespace eqp::train {

struct PcdOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::uint32_t steps = 20;
  double step_size = 0.01;
  double bound = std::numeric_limits<double>::infinity();  // see mcmc::Ula, also the next two
  std::optional<double> noise = std::nullopt;              // none: sqrt(2 step_size)
  double clip = std::numeric_limits<double>::infinity();
  double restart_probability = 0;  // of a slot, at each use; from the law the bank started from
  double regulariser = 0;
  ad::Key key;
};

/// Persistent contrastive divergence (Tieleman 2008) with a replay buffer (Du & Mordatch 2019):
/// each update draws slots of the bank, moves them by unadjusted Langevin steps, and puts them
/// back. `start` fills the bank and restarts slots. It is the ULA-EBM of Grenioux, Moulines &
/// Gabrie (2023, algorithm 3), whose energy is the network alone. Throws std::invalid_argument
/// unless restart_probability is one, and as Bank and LangevinNegatives do.
inline Objective pcd(mcmc::Energy energy, DataSource data, std::size_t bank_size,
                     mcmc::Sampler start, PcdOptions o) {
  if (!(o.restart_probability >= 0 && o.restart_probability <= 1)) {
    throw std::invalid_argument("pcd: restart_probability " +
                                std::to_string(o.restart_probability) +
                                "; need a number from 0 to 1");
  }
  auto bank = std::make_shared<Bank>(bank_size, o.dim, start, o.key.fork(0));
  ad::Tensor first({o.batch, o.dim});
  bank->take(0, first);
  const LangevinNegatives negatives(energy,
                                    {.dim = o.dim,
                                     .steps = o.steps,
                                     .step_size = o.step_size,
                                     .bound = o.bound,
                                     .noise = o.noise,
                                     .clip = o.clip,
                                     .key = o.key},
                                    first);
  return {
      .name = "pcd",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.dim}},
      .loss = contrastive_loss(energy, o.regulariser),
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
            data(t, in[0]);
            bank->take(t, in[1]);
            bank->restart(t, o.restart_probability, in[1]);
            negatives(t, in[1], in[1], log);
            bank->put_back(in[1]);
          },
      .archive = [=](ad::Archive& a) { a("bank", *bank); },
      .chains = NegativeChains{.steps = o.steps,
                               .starts = [=] { return bank->states(); },
                               .run =
                                   [=](ad::ConstView x0, const mcmc::RunOptions& run) {
                                     return mcmc::run(negatives.kernel(), x0, run);
                                   }},
  };
}

}  // namespace eqp::train
