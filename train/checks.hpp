#pragma once

#include <cstddef>
#include <string>

#include "autodiff/real.hpp"

// Checks of options. Each throws std::invalid_argument: "adam: beta1 1.5; need at least 0 and less
// than 1" for the name "adam: beta1".
namespace eqp::train {

/// In [0, 1), as Real too.
void need_share(const std::string& name, double value);
/// In (0, infinity), as Real too.
void need_above_0(const std::string& name, double value);
/// In [0, infinity).
void need_at_least_0(const std::string& name, double value);
void need_at_least_1(const std::string& name, std::size_t count);

}  // namespace eqp::train
