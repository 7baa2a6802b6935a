#pragma once

#include <memory>

#include "flows/flow.hpp"
#include "mcmc/proposal.hpp"
#include "train/nce.hpp"

namespace eqp::train {

struct FlowContrastiveOptions {
  std::size_t batch = 256;
  Schedule flow_learning_rate = constant(1e-3);
  std::uint32_t flow_updates = 1;  // per update of the energy; 0: the flow stays as it is
  ad::Key key;
};

/// The part of the flow in flow contrastive estimation, which minimises what the energy maximises:
/// -softplus(-G) on data, -softplus(G) on draws x(z), through the draws and through log q. Inputs:
/// data (n, d), standard normals (n, noise_dim).
inline Loss adversarial_flow_loss(flows::Flow flow, NoiseOdds log_odds) {
  return [=](std::span<const ad::Var> in) {
    const auto [x, log_q] = flow.sample(in[1]);
    const ad::Var on_data = ad::softplus(-log_odds(in[0], flow.log_prob(in[0])));
    return -on_data - ad::softplus(log_odds(x, log_q));
  };
}

/// Flow contrastive estimation (Gao, Nijkamp, Kingma, Xu, Dai & Wu 2020): noise contrastive
/// estimation whose noise is a flow that learns as the adversary. Where the energy is that of the
/// data, the flow descends on their Jensen-Shannon divergence: the noise comes as near to the data
/// as it can, and what is left to tell apart is what the energy still has to learn. Adds the
/// parameter "log_z" to params. A flow far from the data finds little to learn from: train it by
/// flow_ml before.
inline Objective flow_contrastive(mcmc::Energy energy, ad::Params& params, DataSource data,
                                  flows::Flow flow, ad::Params& flow_params,
                                  FlowContrastiveOptions o) {
  const ad::Param log_z = add_log_z(params);
  Objective objective =
      nce(energy, log_z, std::move(data), mcmc::from_flow(flow), {.batch = o.batch, .key = o.key});
  const auto update = std::make_shared<Update>(
      "flow", flow_params, objective.row_shapes,
      adversarial_flow_loss(flow, {std::move(energy), log_z}), adam(), Update::Options{});
  objective.name = "flow_contrastive";
  objective.after = [=](std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    const ad::ConstView batch[] = {in[0], in[1]};
    for (std::uint32_t k = 0; k < o.flow_updates; ++k) {
      log.flow_loss = update->step(batch, log.pace * o.flow_learning_rate(t)).loss;
    }
  };
  objective.archive = [=](ad::Archive& a) { a("flow", *update); };
  return objective;
}

}  // namespace eqp::train
