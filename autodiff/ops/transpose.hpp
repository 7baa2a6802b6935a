#pragma once

#include <cstddef>

#include "autodiff/real.hpp"

namespace eqp::ad {

/// to (cols, rows) = the transpose of from (rows, cols), which do not overlap.
void transpose_matrix(const Real* from, Real* to, std::size_t rows, std::size_t cols);

}  // namespace eqp::ad
