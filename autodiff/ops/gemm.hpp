#pragma once

#include "autodiff/tensor.hpp"

// The one seam to a matrix-product library.
namespace eqp::ad {

/// C = op(A) op(B) (+ C if accumulate) on row-major memory: op(A) is (m, k), op(B) is (k, n).
struct Gemm {
  std::size_t m, n, k;
  bool transpose_a = false, transpose_b = false, accumulate = false;
};
void gemm(const Gemm& shape, const Real* a, const Real* b, Real* c);

/// Makes ready what the product needs, so that gemm itself never allocates; over a batch of 512
/// rows or more it runs in parallel tasks, for which the scheduler may.
void prepare_gemm(const Gemm& shape);

}  // namespace eqp::ad
