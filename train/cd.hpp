#pragma once

#include <memory>
#include <optional>

#include "mcmc/chains.hpp"
#include "mcmc/ula.hpp"
#include "train/contrastive.hpp"

namespace eqp::train {

struct CdOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::uint32_t steps = 10;  // k: Langevin steps per update
  double step_size = 0.01;   // of the Langevin steps, in units of x squared
  double bound = std::numeric_limits<double>::infinity();  // see mcmc::Ula
  double regulariser = 0;                                  // see contrastive_loss
  ad::Key key;
};

/// Contrastive divergence, CD-k (Hinton 2002): negatives are k unadjusted Langevin steps from the
/// data.
inline Objective cd(mcmc::Energy energy, DataSource data, CdOptions o) {
  const mcmc::Ula ula(energy, o.dim, {.step_size = o.step_size, .bound = o.bound});
  auto chains = std::make_shared<std::optional<mcmc::Chains<mcmc::Ula>>>();
  return {
      .name = "cd",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.dim}},
      .loss = contrastive_loss(energy, o.regulariser),
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            if (*chains) {
              (*chains)->set(ula, in[0]);
            } else {
              chains->emplace(ula, in[0]);
            }
            (*chains)->advance(ula, t * o.steps, o.steps, o.key);
            std::ranges::copy((*chains)->positions().flat(), in[1].data);
          },
  };
}

}  // namespace eqp::train
