#pragma once

#include "train/cd_kl.hpp"
#include "train/contrastive.hpp"

namespace eqp::train {

struct CdOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::uint32_t steps = 10;  // k: Langevin steps per update
  double step_size = 0.01;   // of the Langevin steps, in units of x squared
  double bound = std::numeric_limits<double>::infinity();  // see mcmc::Ula, also the next two
  std::optional<double> noise = std::nullopt;              // none: sqrt(2 step_size)
  double clip = std::numeric_limits<double>::infinity();
  double regulariser = 0;                        // see contrastive_loss
  std::optional<CdKlOptions> kl = std::nullopt;  // none: without the term of the chains' law
  ad::Key key;
};

/// Contrastive divergence, CD-k (Hinton 2002): negatives are k unadjusted Langevin steps from the
/// data. With `kl`, improved contrastive divergence (Du et al. 2021), see ChainKl. Throws
/// std::invalid_argument as that and LangevinNegatives do.
inline Objective cd(mcmc::Energy energy, DataSource data, CdOptions o) {
  const LangevinOptions langevin{.dim = o.dim,
                                 .steps = o.steps,
                                 .step_size = o.step_size,
                                 .bound = o.bound,
                                 .noise = o.noise,
                                 .clip = o.clip,
                                 .key = o.key};
  ad::Tensor first({o.batch, o.dim});
  data(0, first);
  const LangevinNegatives negatives(energy, langevin, first);
  Objective objective{
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
  if (!o.kl) return objective;
  const ChainKl kl(energy, langevin, *o.kl);
  for (const ad::Shape& shape : kl.row_shapes()) objective.row_shapes.push_back(shape);
  objective.loss = [kl, contrast = objective.loss](std::span<const ad::Var> in) {
    return contrast(in.first(2)) + kl.term(in.subspan(2));
  };
  objective.feed = [=](std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    data(t, in[0]);
    kl.feed(negatives, t, in[0], in[1], in.subspan(2), log);
  };
  return objective;
}

}  // namespace eqp::train
