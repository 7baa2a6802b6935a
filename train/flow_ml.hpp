#pragma once

#include "flows/flow.hpp"
#include "train/objective.hpp"

namespace eqp::train {

/// -log lambda(x) per row: maximum likelihood of a flow.
inline Loss flow_loss(flows::Flow flow) {
  return [=](std::span<const ad::Var> in) { return -flow.log_prob(in[0]); };
}

/// Maximum likelihood of a flow on data.
inline Objective flow_ml(flows::Flow flow, DataSource data, std::size_t batch) {
  return {.name = "flow_ml",
          .batch = batch,
          .row_shapes = {{flow.dim()}},
          .loss = flow_loss(flow),
          .feed = [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) { data(t, in[0]); }};
}

}  // namespace eqp::train
