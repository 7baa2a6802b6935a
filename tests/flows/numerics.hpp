#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "autodiff/tensor.hpp"

// Textbook numerics in double, independent of what they check.
namespace eqp::flows::test {

/// log |det| of a dense matrix by elimination with row pivots.
inline double log_abs_det(std::vector<std::vector<double>> m) {
  double total = 0;
  for (std::size_t k = 0; k < m.size(); ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < m.size(); ++i) {
      if (std::abs(m[i][k]) > std::abs(m[pivot][k])) pivot = i;
    }
    std::swap(m[k], m[pivot]);
    total += std::log(std::abs(m[k][k]));
    for (std::size_t i = k + 1; i < m.size(); ++i) {
      const double factor = m[i][k] / m[k][k];
      for (std::size_t j = k; j < m.size(); ++j) m[i][j] -= factor * m[k][j];
    }
  }
  return total;
}

/// The mean of f over the rows of x, and its standard error.
template <class F>
std::pair<double, double> mean_of(const ad::Tensor& x, F f) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double v = f(double(x(i, 0)), double(x(i, 1)));
    sum += v;
    squares += v * v;
  }
  const double n = double(x.rows()), mean = sum / n;
  return {mean, std::sqrt((squares / n - mean * mean) / n)};
}

}  // namespace eqp::flows::test
