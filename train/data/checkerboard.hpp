#pragma once

#include "train/data/dataset.hpp"

namespace eqp::train {

struct CheckerboardOptions {
  /// (8), any scale; empty: equal. Row by row from the top, each from the left.
  std::vector<double> weights;
};
/// Uniform on the 8 dark squares, of side 2, of a board on [-4, 4]^2 whose top left corner is light
/// (Grathwohl et al. 2019). A point belongs to the nearest dark square. Throws
/// std::invalid_argument for bad weights.
Distribution checkerboard(const CheckerboardOptions& options = {});

}  // namespace eqp::train
