#include "autodiff/cholesky.hpp"

#include <cmath>
#include <stdexcept>

namespace eqp::ad {

Cholesky::Cholesky(const std::string& who, std::span<const double> a, std::size_t d)
    : dim_(d), factor_(d * d) {
  if (a.size() != d * d) {
    throw std::invalid_argument(who + ": a covariance of " + std::to_string(a.size()) +
                                " numbers; need " + std::to_string(d) + " x " + std::to_string(d));
  }
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = a[i * d + j];
      const double rounding = 1e-9 * std::sqrt(std::abs(a[i * d + i] * a[j * d + j]));
      if (i != j && !(std::abs(rest - a[j * d + i]) <= rounding)) {  // so that a NaN fails
        throw std::invalid_argument(who + ": covariance entries (" + std::to_string(i) + ", " +
                                    std::to_string(j) + ") and (" + std::to_string(j) + ", " +
                                    std::to_string(i) + ") differ; need a symmetric matrix");
      }
      for (std::size_t k = 0; k < j; ++k) rest -= (*this)(i, k) * (*this)(j, k);
      if (i == j && !(rest > 0 && std::isfinite(rest))) {
        throw std::invalid_argument(who + ": covariance is not positive definite (pivot " +
                                    std::to_string(i) + " is " + std::to_string(rest) + ")");
      }
      factor_[i * d + j] = i == j ? std::sqrt(rest) : rest / (*this)(j, j);
    }
  }
}

double Cholesky::log_det() const {
  double sum = 0;
  for (std::size_t i = 0; i < dim_; ++i) sum += 2 * std::log((*this)(i, i));
  return sum;
}

void Cholesky::multiply(std::span<double> v) const {
  for (std::size_t i = dim_; i-- > 0;) {
    double sum = 0;
    for (std::size_t j = 0; j <= i; ++j) sum += (*this)(i, j) * v[j];
    v[i] = sum;
  }
}

void Cholesky::solve(std::span<double> v) const {
  for (std::size_t i = 0; i < dim_; ++i) {
    for (std::size_t j = 0; j < i; ++j) v[i] -= (*this)(i, j) * v[j];
    v[i] /= (*this)(i, i);
  }
}

}  // namespace eqp::ad
