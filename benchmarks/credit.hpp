#pragma once

#include <vector>

#include "autodiff/tensor.hpp"

namespace eqp::bench {

/// A classification data set.
struct Credit {
  ad::Tensor features;  // (1000, 25): ones, then 24 standardised columns
  ad::Tensor labels;    // (1000): 1 good, -1 bad
};

/// German credit data in its numeric version (H. Hofmann; Statlog project, UCI repository).
Credit german_credit();

}  // namespace eqp::bench
