#pragma once

#include <functional>

#include "benchmarks/workload.hpp"
#include "flows/flow.hpp"

namespace eqp::bench {

/// A flow and its parameters. `make` adds them; then all are drawn from N(0, sd^2), as a check
/// would see nothing of a flow that begins as the identity.
struct FlowModel {
  FlowModel(double sd, const std::function<flows::Flow(ad::Params&)>& make);

  ad::Params params;
  flows::Flow flow;
};

/// Log densities of in.x.
std::unique_ptr<Workload> flow_log_prob(const Case& c, std::shared_ptr<FlowModel> model);
/// Draws, each step of its own normals, and their log densities.
std::unique_ptr<Workload> flow_sample(const Case& c, std::shared_ptr<FlowModel> model);
/// Adam on the mean of -log density.
std::unique_ptr<Workload> flow_fit(const Case& c, std::shared_ptr<FlowModel> model);

}  // namespace eqp::bench
