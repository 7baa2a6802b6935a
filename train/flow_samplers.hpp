#pragma once

#include "flows/flow.hpp"
#include "mcmc/targets/target.hpp"

namespace eqp::train {

/// Exact draws of a flow's base density.
mcmc::Sampler base_sampler(flows::Flow flow);

/// Exact draws of the flow, which follow its parameters.
mcmc::Sampler flow_sampler(flows::Flow flow);

}  // namespace eqp::train
