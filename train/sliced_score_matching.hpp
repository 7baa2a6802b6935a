#pragma once

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

/// The part of the sliced loss that needs no second derivative.
enum class SlicedNorm {
  projected,  // 1/2 (v . grad U)^2 of the same directions (Song et al. 2019, eq. 7)
  exact,      // 1/2 |grad U|^2, its mean over v: the variance-reduced form (eq. 8)
};

struct SlicedScoreMatchingOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  std::size_t directions = 1;  // per point and update
  SlicedNorm norm = SlicedNorm::exact;
  ad::Key key;
};

/// Sliced score matching (Song, Garg, Shi & Ermon 2019): the score is compared along random
/// directions v ~ N(0, I), 1/2 (v . grad U)^2 - v' H v with the Hessian H of U, averaged over them.
/// Its mean over directions is the loss of score matching, at the price of one directional second
/// derivative each instead of one per dimension. Needs an energy with a third derivative: not relu.
/// Throws std::invalid_argument without directions.
inline Objective sliced_score_matching(mcmc::Energy energy, DataSource data,
                                       SlicedScoreMatchingOptions o) {
  if (o.directions == 0) {
    throw std::invalid_argument("sliced_score_matching: 0 directions: need at least 1");
  }
  return {
      .name = "sliced_score_matching",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.directions, o.dim}},
      .loss =
          [=](std::span<const ad::Var> in) {
            const ad::Var x = in[0], u = energy(x), gradient = ad::grad(u, x);
            const ad::Var curvature = ad::hutchinson_laplacian(u, x, permute(in[1], {1, 0, 2}));
            if (o.norm == SlicedNorm::exact) return 0.5 * sum(square(gradient), 1) - curvature;
            const ad::Var row = reshape(gradient, {x.shape()[0], 1, o.dim});
            return 0.5 * mean(square(sum(in[1] * row, 2)), 1) - curvature;
          },
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            ad::BlockRng{o.key, t}.normal(in[1]);
          },
  };
}

}  // namespace eqp::train
