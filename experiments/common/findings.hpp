#pragma once

#include <span>
#include <string>

#include "experiments/common/report.hpp"

// What a training did to the weight of a mode, in words.
namespace eqp {

/// A mode's weight over the last quarter of a training (of at least one value).
struct LateWeight {
  double mean = 0, low = 0, high = 0;
};
LateWeight late_weight(std::span<const double> curve);

struct Finding {
  Level level;
  std::string text;
};

/// "pcd on two_moons lost 28 % of the upper moon: ...". Bad if the weight ranged over more than 0.1
/// or is off by a tenth or more; good if it is off by less than 3 % and 0.005.
Finding judge_weight(const std::string& who, const std::string& mode, double exact,
                     const LateWeight& late);

}  // namespace eqp
