#pragma once

#include <utility>

#include "train/data/rows.hpp"

namespace eqp::train {

/// Row i is (i, -i).
inline Rows numbered(std::size_t n) {
  ad::Tensor x({n, 2});
  for (std::size_t i = 0; i < n; ++i) {
    x(i, 0) = Real(i);
    x(i, 1) = -Real(i);
  }
  return Rows(std::move(x));
}

}  // namespace eqp::train
