#include "train/metrics/density_error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace eqp::train {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace

DensityError density_error(std::span<const double> log_model, double log_z,
                           std::span<const double> log_true) {
  const std::size_t n = log_true.size();
  if (n == 0 || log_model.size() != n) {
    throw std::invalid_argument("density_error: " + std::to_string(log_model.size()) +
                                " model values for " + std::to_string(n) +
                                " true values; need as many, and at least 1");
  }
  std::vector<double> differences(n), squares(n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    differences[i] = log_true[i] - (log_model[i] - log_z);
    squares[i] = differences[i] * differences[i];
    sum += differences[i];
  }
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (std::ranges::any_of(differences, [](double d) { return std::isnan(d); }))
    return {kNan, kNan, kNan};
  const double count = static_cast<double>(n), kl = sum / count;
  double spread = 0;
  for (const double d : differences) spread += (d - kl) * (d - kl);
  return {median(std::move(squares)), kl, std::sqrt(spread / (count - 1) / count)};
}

}  // namespace eqp::train
