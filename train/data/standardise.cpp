#include "train/data/standardise.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace eqp::train {
namespace {

template <class F>
void for_each_entry(ad::View x, std::size_t columns, F f) {
  if (x.cols() != columns) {
    throw std::invalid_argument("standardise: " + std::to_string(x.cols()) +
                                " columns for a map of " + std::to_string(columns));
  }
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < columns; ++j) x(i, j) = Real(f(double(x(i, j)), j));
  }
}

}  // namespace

void Standardisation::apply(ad::View x) const {
  for_each_entry(x, mean.size(), [&](double v, std::size_t j) { return (v - mean[j]) / sd[j]; });
}

void Standardisation::invert(ad::View x) const {
  for_each_entry(x, mean.size(), [&](double v, std::size_t j) { return mean[j] + sd[j] * v; });
}

Standardisation standardisation(ad::ConstView x) {
  const std::size_t n = x.rows(), d = x.cols();
  if (n == 0) throw std::invalid_argument("standardise: no rows");
  Standardisation s{std::vector<double>(d), std::vector<double>(d), {}};
  for (std::size_t j = 0; j < d; ++j) {
    double sum = 0, squares = 0;
    bool constant = true;
    for (std::size_t i = 0; i < n; ++i) {
      sum += x(i, j);
      constant &= x(i, j) == x(0, j);
    }
    // The value itself, not a rounded mean of it: then apply gives exact zeros.
    s.mean[j] = constant ? double(x(0, j)) : sum / double(n);
    for (std::size_t i = 0; i < n; ++i) squares += std::pow(x(i, j) - s.mean[j], 2);
    s.sd[j] = constant ? 1 : std::sqrt(squares / double(n));
    if (constant) s.constant.push_back(j);
  }
  return s;
}

}  // namespace eqp::train
