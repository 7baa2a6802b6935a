#pragma once

#include <span>
#include <string>
#include <vector>

namespace eqp::ad {

/// A = sum_k value_k vector_k vector_k^T of a symmetric matrix, in double.
struct SymmetricEigen {
  std::vector<double> values;   ///< (d), the largest first
  std::vector<double> vectors;  ///< (d, d), vector k in row k; orthonormal
};

/// By LAPACK's divide and conquer (dsyevd). Of a vector and its negative, the one whose largest
/// entry is positive. a (d, d) row-major, of which the lower triangle is read; half a second for
/// d = 784. Throws std::invalid_argument, in the name of `who`, for another size and for entries
/// that are not finite.
SymmetricEigen symmetric_eigen(const std::string& who, std::span<const double> a, std::size_t d);

}  // namespace eqp::ad
