#pragma once

#include "autodiff/random.hpp"
#include "train/data/rows.hpp"

namespace eqp::train {

/// How much to set aside: a number of rows, or a fraction of all, rounded to whole rows.
struct Share {
  std::size_t rows = 0;
  double fraction = 0;
};

struct SplitOptions {
  Share validation = {.fraction = 0.1};
  Share test = {};
  ad::Key key;
};

/// Parts that have no row in common and together are all rows; each keeps the order of the rows.
struct Split {
  Rows train, validation, test;
};

/// Sets random rows aside, without copying any. The test set depends on its size and the key
/// alone, not on how many rows are for validation. Throws std::invalid_argument for a share given
/// twice, a fraction that is not in [0, 1), a share that comes to no row, and if no row is left for
/// training.
Split split(const Rows& data, const SplitOptions& options);

}  // namespace eqp::train
