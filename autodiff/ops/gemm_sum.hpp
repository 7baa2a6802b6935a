#pragma once

#include <array>
#include <cstddef>

#include "autodiff/real.hpp"

// Sums of small products in one pass over the result: what a convolution is made of.
namespace eqp::ad {

/// C = sum_t op(A_t) B_t (+ C if accumulate) on row-major memory: op(A_t) is (m, k), B_t is (k, n).
struct GemmSum {
  std::size_t m, n, k;
  std::size_t row_a, row_b, row_c;  // elements from a row to the next, as stored
  bool transpose_a = false, accumulate = false;
};

/// Where the operands of each term begin, in elements from a and b.
class GemmTerms {
 public:
  static constexpr std::size_t kMost = 64;

  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }
  void add(std::size_t at_a, std::size_t at_b) {
    a_[size_] = at_a * sizeof(Real);
    b_[size_++] = at_b * sizeof(Real);
  }
  /// In bytes, as the library wants them.
  const unsigned long long* a() const { return a_.data(); }
  const unsigned long long* b() const { return b_.data(); }

 private:
  std::size_t size_ = 0;
  std::array<unsigned long long, kMost> a_, b_;
};

void gemm_sum(const GemmSum& shape, const GemmTerms& terms, const Real* a, const Real* b, Real* c);
/// Makes ready what the sum needs, whatever its terms, so that gemm_sum itself never allocates.
void prepare_gemm_sum(const GemmSum& shape);

}  // namespace eqp::ad
