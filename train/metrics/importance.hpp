#pragma once

#include "flows/flow.hpp"
#include "mcmc/importance.hpp"

namespace eqp::train {

/// What n independent draws of a flow say about the target exp(-U), by their importance weights.
using Importance = mcmc::ImportanceReport;

/// A function of the key; blocks run in parallel. An infinite U is a weight of 0. Throws
/// std::invalid_argument for fewer than 2 draws, std::runtime_error when a weight is NaN or all are
/// 0.
Importance importance(const flows::Flow& flow, const mcmc::Energy& energy, std::size_t draws,
                      ad::Key key);

}  // namespace eqp::train
