#pragma once

#include <string>
#include <vector>

#include "autodiff/random.hpp"
#include "flows/flow.hpp"
#include "flows/spline.hpp"
#include "nn/mlp.hpp"

namespace eqp::flows {

/// What stands between two pairs of couplings, so that all coordinates come to depend on all.
enum class Mixing {
  none,
  /// A fixed random order (the same halves only swap roles for dim 2).
  shuffle,
  /// LuLinear: a trained one, as Durkan et al. 2019 use.
  lu,
};

struct NeuralSplineOptions {
  /// Pairs of couplings with complementary halves.
  std::size_t blocks = 2;
  std::vector<std::size_t> hidden = {64, 64};
  /// Circular tails make it a flow on the torus [-bound, bound]^d, whose base is uniform.
  SplineOptions spline = {};
  Mixing mixing = Mixing::none;
  nn::Activation activation = ad::relu;
  /// Of the base N(0, base_variance I).
  double base_variance = 1;
  /// Columns of a context that every coupling depends on.
  std::size_t context_dim = 0;
};

/// Coupling flow of rational-quadratic splines (Durkan et al. 2019, "Neural spline flows", RQ-NSF
/// (C)). Without LU layers it begins as a permutation. Couplings are named `<name>.<i>`, layers
/// between them `<name>.mixing.<i>`. Throws std::invalid_argument for dim < 2, no blocks, or LU
/// layers on a torus.
Flow neural_spline(ad::Params& params, const std::string& name, std::size_t dim,
                   const NeuralSplineOptions& options, ad::Key key);

}  // namespace eqp::flows
