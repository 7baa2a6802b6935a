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

/// Row after row, whatever holds them: a column's sums run in the order of the rows.
template <class Source>
Standardisation moments(const Source& x) {
  const std::size_t n = x.rows(), d = x.cols();
  if (n == 0) throw std::invalid_argument("standardise: no rows");
  const std::span<const Real> first = x.row(0);
  Standardisation s{std::vector<double>(d), std::vector<double>(d), {}};
  std::vector<char> constant(d, true);
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<const Real> row = x.row(i);
    for (std::size_t j = 0; j < d; ++j) {
      s.mean[j] += row[j];
      constant[j] &= row[j] == first[j];
    }
  }
  for (std::size_t j = 0; j < d; ++j) {
    // The value itself, not a rounded mean of it: then apply gives exact zeros.
    s.mean[j] = constant[j] ? double(first[j]) : s.mean[j] / double(n);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<const Real> row = x.row(i);
    for (std::size_t j = 0; j < d; ++j) {
      const double deviation = row[j] - s.mean[j];
      s.sd[j] += deviation * deviation;
    }
  }
  for (std::size_t j = 0; j < d; ++j) {
    s.sd[j] = constant[j] ? 1 : std::sqrt(s.sd[j] / double(n));
    if (constant[j]) s.constant.push_back(j);
  }
  return s;
}

}  // namespace

void Standardisation::apply(ad::View x) const {
  for_each_entry(x, mean.size(), [&](double v, std::size_t j) { return (v - mean[j]) / sd[j]; });
}

void Standardisation::invert(ad::View x) const {
  for_each_entry(x, mean.size(), [&](double v, std::size_t j) { return mean[j] + sd[j] * v; });
}

Standardisation standardisation(ad::ConstView x) { return moments(x); }
Standardisation standardisation(const Rows& x) { return moments(x); }

}  // namespace eqp::train
