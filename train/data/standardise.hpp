#pragma once

#include <vector>

#include "train/data/rows.hpp"

namespace eqp::train {

/// An affine map of columns to mean 0 and standard deviation 1, and back.
struct Standardisation {
  std::vector<double> mean, sd;       ///< (d)
  std::vector<std::size_t> constant;  ///< columns of one value, which map to 0; their sd is 1

  /// x <- (x - mean) / sd.  x (n, d); throws std::invalid_argument for another number of columns.
  void apply(ad::View x) const;
  /// x <- mean + sd x: undoes apply, to rounding.
  void invert(ad::View x) const;
};

/// The map that standardises the columns of x (n, d), such as the training rows of a split; the sd
/// divides by n. Throws std::invalid_argument without rows.
Standardisation standardisation(ad::ConstView x);
Standardisation standardisation(const Rows& x);

}  // namespace eqp::train
