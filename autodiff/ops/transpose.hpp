#pragma once

#include <cstddef>

#include "autodiff/real.hpp"

namespace eqp::ad {

/// A matrix in memory: elements from a row to the next.
template <class T>
struct Matrix {
  T* data;
  std::size_t row;
};

/// to (cols, rows) = the transpose of from (rows, cols), which do not overlap.
void transpose_matrix(const Matrix<const Real>& from, const Matrix<Real>& to, std::size_t rows,
                      std::size_t cols);

}  // namespace eqp::ad
