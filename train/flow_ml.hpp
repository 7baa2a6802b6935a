#pragma once

#include "flows/flow.hpp"
#include "train/objective.hpp"

namespace eqp::train {

/// -log lambda(x) per row: maximum likelihood of a flow. Rows hold x and, for a conditional flow,
/// the context after it.
inline Loss flow_loss(flows::Flow flow) {
  return [=](std::span<const ad::Var> in) {
    const std::size_t d = flow.dim(), c = flow.context_dim();
    if (c == 0) return -flow.log_prob(in[0]);
    return -flow.log_prob(slice(in[0], 1, 0, d), slice(in[0], 1, d, d + c));
  };
}

/// Maximum likelihood of a flow on data.
inline Objective flow_ml(flows::Flow flow, DataSource data, std::size_t batch) {
  return {.name = "flow_ml",
          .batch = batch,
          .row_shapes = {{flow.dim() + flow.context_dim()}},
          .loss = flow_loss(flow),
          .feed = [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) { data(t, in[0]); }};
}

}  // namespace eqp::train
