#pragma once

#include <vector>

#include "flows/flow.hpp"
#include "mcmc/energy.hpp"

namespace eqp::mcmc {

/// Proposes from a flow. The proposal keeps a copy, which shares the flow's layers: it follows
/// their parameters.
Proposal from_flow(const flows::Flow& flow);

/// Proposes from the base of a flow, which the flow's parameters do not change.
Proposal from_base(const flows::Flow& flow);

/// Independent Gaussians with these means and standard deviations, (dim) each. Throws
/// std::invalid_argument unless they are equally many, at least 1, and finite, and every deviation
/// is positive.
Proposal gaussian_proposal(const std::vector<double>& mean, const std::vector<double>& sd);

}  // namespace eqp::mcmc
