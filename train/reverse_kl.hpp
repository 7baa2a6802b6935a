#pragma once

#include "autodiff/random.hpp"
#include "flows/flow.hpp"
#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

/// The inverse temperature of the target at step 0, 1, 2, ...: 1 is the target itself.
using Annealing = std::function<double(std::uint32_t step)>;

/// From `first` to 1 in equal increments over the first `steps` steps. Throws std::invalid_argument
/// unless first is in [0, 1].
Annealing linear_annealing(double first, std::uint32_t steps);

struct ReverseKlOptions {
  std::size_t batch = 256;
  Annealing beta = [](std::uint32_t) { return 1.0; };
  ad::Key key = {};
};

/// E_{x ~ q}[log q(x) + beta U(x)] of a flow q, the reverse Kullback-Leibler divergence to
/// exp(-beta U) up to a constant (Rezende & Mohamed 2015), by the derivative of its draws. It does
/// not see modes that the flow does not reach.
Objective reverse_kl(flows::Flow flow, mcmc::Energy energy, const ReverseKlOptions& options);

/// (1 - reverse) times the forward divergence, -log q of data, plus `reverse` times the reverse one
/// (Gabrie, Rotskoff & Vanden-Eijnden 2022, train on both). A batch has as many points of the data
/// as draws. Throws std::invalid_argument unless `reverse` is in [0, 1].
Objective mixed_kl(flows::Flow flow, mcmc::Energy energy, DataSource data, double reverse,
                   const ReverseKlOptions& options);

}  // namespace eqp::train
