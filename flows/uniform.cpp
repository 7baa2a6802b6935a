#include "flows/uniform.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>

#include "flows/constants.hpp"

namespace eqp::flows {

ad::Var normal_cdf(ad::Var x) { return 0.5 + 0.5 * erf(x * (1 / std::numbers::sqrt2)); }

UniformBox::UniformBox(std::vector<double> low, std::vector<double> high, Outside outside)
    : low_(std::move(low)), high_(std::move(high)), outside_(outside) {
  if (low_.empty() || low_.size() != high_.size()) {
    throw std::invalid_argument("uniform: " + std::to_string(low_.size()) + " lower and " +
                                std::to_string(high_.size()) +
                                " upper ends; need one of each per coordinate");
  }
  for (std::size_t j = 0; j < low_.size(); ++j) {
    if (low_[j] < high_[j] && std::isfinite(high_[j] - low_[j])) continue;
    throw std::invalid_argument("uniform: coordinate " + std::to_string(j) + " from " +
                                std::to_string(low_[j]) + " to " + std::to_string(high_[j]) +
                                "; need finite ends, the lower one first");
  }
}

ad::Var UniformBox::draw(ad::Var noise) const {
  check_batch("uniform draw", noise, dim());
  std::vector<double> size;
  for (std::size_t j = 0; j < dim(); ++j) size.push_back(high_[j] - low_[j]);
  ad::Tape& tape = *noise.tape;
  const ad::Var z = normal_cdf(noise) * row_constant(tape, size) + row_constant(tape, low_);
  return minimum(z, row_constant(tape, high_));  // where the sum was rounded up
}

ad::Var UniformBox::log_prob(ad::Var z) const {
  check_batch("uniform log_prob", z, dim());
  double log_volume = 0;
  for (std::size_t j = 0; j < dim(); ++j) log_volume += std::log(high_[j] - low_[j]);
  ad::Tape& tape = *z.tape;
  const ad::Shape rows{z.shape()[0]};
  const ad::Var inside = 0.0 * sum(z, 1) - log_volume;  // not a number where z is none
  if (outside_ == Outside::periodic) return inside;
  const ad::Var beyond =
      greater(row_constant(tape, low_), z) + greater(z, row_constant(tape, high_));
  return where(sum(beyond, 1), full(tape, rows, -std::numeric_limits<double>::infinity()), inside);
}

}  // namespace eqp::flows
