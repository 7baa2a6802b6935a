#pragma once

#include <span>
#include <string>
#include <vector>

namespace eqp::ad {

/// The factor L of a covariance matrix A = L L^T of a few dimensions: lower triangular, in double.
class Cholesky {
 public:
  /// a (d, d) row-major. Throws std::invalid_argument, in the name of `who`, unless a is symmetric
  /// and positive definite.
  Cholesky(const std::string& who, std::span<const double> a, std::size_t d);

  std::size_t dim() const { return dim_; }
  /// L(i, j)
  double operator()(std::size_t i, std::size_t j) const { return factor_[i * dim_ + j]; }
  /// log det A
  double log_det() const;
  /// v <- L v.  v (d)
  void multiply(std::span<double> v) const;
  /// v <- L^-1 v.  v (d)
  void solve(std::span<double> v) const;

 private:
  std::size_t dim_;
  std::vector<double> factor_;  // zero above the diagonal
};

}  // namespace eqp::ad
