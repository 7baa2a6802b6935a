#pragma once

#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

struct ScoreMatchingOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
};

/// Score matching (Hyvarinen 2005, eq. 4): 1/2 |grad U(x)|^2 - laplacian U(x), which is the mean
/// squared distance to the score of the data, halved, up to a constant. The density of the data
/// need not be known but must be smooth: its own minimum is -1/2 E|grad log p|^2. Costs `dim`
/// directional second derivatives per point. Needs an energy with a third derivative: not relu.
inline Objective score_matching(mcmc::Energy energy, DataSource data, ScoreMatchingOptions o) {
  return {
      .name = "score_matching",
      .batch = o.batch,
      .row_shapes = {{o.dim}},
      .loss =
          [=](std::span<const ad::Var> in) {
            const ad::Var x = in[0], u = energy(x);
            return 0.5 * sum(square(ad::grad(u, x)), 1) - ad::laplacian(u, x);
          },
      .feed = [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) { data(t, in[0]); },
  };
}

}  // namespace eqp::train
