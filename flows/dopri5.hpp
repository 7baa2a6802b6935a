#pragma once

#include <cstddef>
#include <vector>

#include "flows/continuous.hpp"

namespace eqp::flows {

struct AdaptiveOptions {
  /// A row's local error per step is kept below absolute + relative |value|, root mean square over
  /// its coordinates and log_det.
  double relative = 1e-5, absolute = 1e-6;
  double first_step = 0.05;
  std::size_t max_steps = 10000;
};

struct Solution {
  ad::Tensor x;                 // (n, d)
  std::vector<double> log_det;  // (n), of the map just applied
  std::size_t accepted = 0;     // steps, over all rows
  std::size_t rejected = 0;
};

enum class Direction { forward, inverse };

/// The map of a continuous flow to a given accuracy, without derivatives: the pair of orders 5 and
/// 4 of Dormand & Prince (1980). Every row takes steps of its own, so that a result does not depend
/// on the rows beside it; blocks of rows run in parallel. x (n, d), context (n, c) or empty. Throws
/// std::runtime_error naming the row when steps get too small or too many, as where the velocity is
/// not finite.
Solution solve(const Continuous& flow, Direction direction, const ad::Tensor& x,
               const ad::Tensor& context = {}, const AdaptiveOptions& options = {});

}  // namespace eqp::flows
