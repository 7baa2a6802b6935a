#include "train/metrics/kernel_distances.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "autodiff/parallel.hpp"
#include "autodiff/sum_of.hpp"

namespace eqp::train {
namespace {

void check_samples(const char* who, ad::ConstView x, ad::ConstView y) {
  if (x.shape.rank() == 2 && y.shape.rank() == 2 && x.size() > 0 && y.size() > 0 &&
      x.cols() == y.cols()) {
    return;
  }
  throw std::invalid_argument(std::string(who) + ": samples " + str(x.shape) + " and " +
                              str(y.shape) + "; need (n, d) and (m, d), not empty");
}

double square_distance(std::span<const Real> x, std::span<const Real> y) {
  return ad::sum_of(x.size(), [&](std::size_t k) {
    const double d = double(x[k]) - double(y[k]);
    return d * d;
  });
}

/// The mean of f(|x_i - y_j|^2) over all pairs.
template <class F>
double pair_mean(ad::ConstView x, ad::ConstView y, const F& f) {
  std::vector<double> rows(x.rows());
  ad::parallel_for(rows.size(), [&](std::size_t i) {
    for (std::size_t j = 0; j < y.rows(); ++j) rows[i] += f(square_distance(x.row(i), y.row(j)));
  });
  return std::accumulate(rows.begin(), rows.end(), 0.0) / (double(x.rows()) * double(y.rows()));
}

/// The root of 2 E f(x, y) - E f(x, x') - E f(y, y'), which rounding may make negative.
template <class F>
double root_of_contrast(ad::ConstView x, ad::ConstView y, const F& f) {
  const double square = 2 * pair_mean(x, y, f) - pair_mean(x, x, f) - pair_mean(y, y, f);
  return std::isnan(square) ? square : std::sqrt(std::max(square, 0.0));
}

bool finite(ad::ConstView x) {
  return std::ranges::all_of(x.flat(), [](Real v) { return std::isfinite(v); });
}

}  // namespace

double energy_distance(ad::ConstView x, ad::ConstView y) {
  check_samples("energy_distance", x, y);
  if (!finite(x) || !finite(y)) return std::numeric_limits<double>::quiet_NaN();
  return root_of_contrast(x, y, [](double square) { return std::sqrt(square); });
}

double mmd(ad::ConstView x, ad::ConstView y, const std::vector<double>& bandwidths) {
  check_samples("mmd", x, y);
  if (bandwidths.empty()) throw std::invalid_argument("mmd: no bandwidths: need at least 1");
  for (const double h : bandwidths) {
    if (h > 0 && std::isfinite(h)) continue;
    throw std::invalid_argument("mmd: bandwidth " + std::to_string(h) + ": need above 0");
  }
  if (!finite(x) || !finite(y)) return std::numeric_limits<double>::quiet_NaN();
  return root_of_contrast(x, y, [&](double square) {
    double kernel = 0;
    for (const double h : bandwidths) kernel += std::exp(-square / (2 * h * h));
    return -kernel / double(bandwidths.size());
  });
}

double median_distance(ad::ConstView x) {
  if (x.shape.rank() != 2 || x.rows() < 2) {
    throw std::invalid_argument("median_distance: sample " + str(x.shape) +
                                "; need (n, d) with n >= 2");
  }
  if (!finite(x)) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> squares;
  squares.reserve(x.rows() * (x.rows() - 1) / 2);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < i; ++j) squares.push_back(square_distance(x.row(i), x.row(j)));
  }
  const auto middle = squares.begin() + std::ptrdiff_t(squares.size() / 2);
  std::ranges::nth_element(squares, middle);
  return std::sqrt(*middle);
}

}  // namespace eqp::train
