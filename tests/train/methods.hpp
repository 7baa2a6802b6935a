#pragma once

#include <memory>
#include <string>
#include <vector>

#include "train/objective.hpp"

namespace eqp::train {

/// A method on a small network in the plane, with the parameters it trains.
struct Method {
  std::string name;
  std::unique_ptr<ad::Params> params, flow_params;
  Objective objective;
  /// Whether the gradient is that of the loss: none of its parts is held fixed by decree.
  bool plain_gradient = true;
};

/// Every method, the contrastive ones with and without regulariser.
std::vector<Method> all_methods(std::size_t batch);

}  // namespace eqp::train
