#pragma once

#include <functional>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"

namespace eqp::mcmc {

/// An energy U: the target density is proportional to exp(-U(x)).  x (n, d) -> U (n).
/// Rows are independent, so grad(U, x) is the gradient of every chain. It must record the same ops
/// every time it is called, and may be called from several threads.
using Energy = std::function<ad::Var(ad::Var x)>;

/// A density that can be drawn from exactly: what independence samplers propose from.
struct Proposal {
  std::size_t dim = 0;
  /// Standard normals that a draw is made of.
  std::size_t noise_dim = dim;
  /// Standard normals (n, noise_dim) -> draws x (n, dim) and log q(x) (n).
  std::function<std::pair<ad::Var, ad::Var>(ad::Var noise)> sample;
  /// log q(x).  x (n, dim) -> (n)
  std::function<ad::Var(ad::Var x)> log_prob;
};

}  // namespace eqp::mcmc
