#pragma once

#include "autodiff/random.hpp"
#include "flows/flow.hpp"
#include "mcmc/energy.hpp"

namespace eqp::train {

/// What n independent draws of a flow say about the target exp(-U), by their importance weights
/// w = exp(-U) / q.
struct Importance {
  std::size_t draws = 0;
  double ess = 0;             ///< (sum w)^2 / sum w^2, in draws (Kong 1992)
  double largest_weight = 0;  ///< the share of all weight on one draw: near 1, ess tells nothing
  double log_z = 0;           ///< log mean w, an estimate of log of the integral of exp(-U)
  double log_z_error = 0;     ///< its standard error by the delta method, sqrt(1 / ess - 1 / n)
};

/// A function of the key; blocks run in parallel. An infinite U is a weight of 0. Throws
/// std::invalid_argument for fewer than 2 draws, std::runtime_error when a weight is NaN or all are
/// 0.
Importance importance(const flows::Flow& flow, const mcmc::Energy& energy, std::size_t draws,
                      ad::Key key);

}  // namespace eqp::train
