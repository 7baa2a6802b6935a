#pragma once

#include "train/contrastive.hpp"
#include "train/langevin.hpp"

namespace eqp::train {

struct CdOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::uint32_t steps = 10;  // k: Langevin steps per update
  double step_size = 0.01;   // of the Langevin steps, in units of x squared
  double bound = std::numeric_limits<double>::infinity();  // see mcmc::Ula, also the next two
  std::optional<double> noise = std::nullopt;              // none: sqrt(2 step_size)
  double clip = std::numeric_limits<double>::infinity();
  double regulariser = 0;  // see contrastive_loss
  ad::Key key;
};

/// Contrastive divergence, CD-k (Hinton 2002): negatives are k unadjusted Langevin steps from the
/// data.
inline Objective cd(mcmc::Energy energy, DataSource data, CdOptions o) {
  const LangevinNegatives negatives(energy, {.dim = o.dim,
                                             .steps = o.steps,
                                             .step_size = o.step_size,
                                             .bound = o.bound,
                                             .noise = o.noise,
                                             .clip = o.clip,
                                             .key = o.key});
  return {
      .name = "cd",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.dim}},
      .loss = contrastive_loss(energy, o.regulariser),
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
            data(t, in[0]);
            negatives(t, in[0], in[1], log);
          },
  };
}

}  // namespace eqp::train
