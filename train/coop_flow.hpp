#pragma once

#include "train/contrastive.hpp"
#include "train/flow_ml.hpp"
#include "train/flow_samplers.hpp"
#include "train/langevin.hpp"

namespace eqp::train {

struct CoopFlowOptions {
  std::size_t batch = 256;
  std::uint32_t steps = 20;                                // of the descent, per update
  double step_size = 0.01;                                 // in units of x squared
  double bound = std::numeric_limits<double>::infinity();  // see mcmc::Ula
  /// Standard deviation of a step's noise: none in the variant of Grenioux et al. (2023, C.1),
  /// sqrt(2 step_size) for Langevin chains.
  double noise = 0;
  /// The update that the flow begins to learn with; it is frozen before.
  std::uint32_t flow_starts = 0;
  Schedule flow_learning_rate = constant(1e-3);
  double regulariser = 0;     // see contrastive_loss
  std::size_t starts = 1024;  // fresh draws that NegativeChains starts from
  ad::Key key;
};

/// Cooperative learning of an energy and a flow (Xie et al. 2022, "CoopFlow"): every update takes
/// fresh draws of the flow and moves them down the energy by Langevin steps; the energy descends on
/// data minus these, the flow learns them by maximum likelihood. Neither remembers where a chain
/// has been.
///
/// Without noise nothing makes the negatives follow exp(-U): where the flow alone can be the data,
/// training ends with the flow at the data and an energy that is flat along its paths.
Objective coop_flow(mcmc::Energy energy, DataSource data, flows::Flow flow, ad::Params& flow_params,
                    CoopFlowOptions options);

}  // namespace eqp::train
