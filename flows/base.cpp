#include "flows/base.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "flows/constants.hpp"

namespace eqp::flows {
namespace {

const double kLogSqrt2Pi = 0.5 * std::log(2 * std::numbers::pi);

// Written so that a NaN fails.
bool positive(double v) { return v > 0 && std::isfinite(v); }

double checked_variance(std::size_t dim, double variance) {
  if (dim == 0) throw std::invalid_argument("gaussian: dim 0; need at least 1");
  if (!positive(variance)) {
    throw std::invalid_argument("gaussian: variance " + std::to_string(variance) +
                                "; need a finite number above 0");
  }
  return variance;
}

}  // namespace

DiagonalGaussian::DiagonalGaussian(std::vector<double> scales, std::vector<double> mean)
    : scales_(std::move(scales)), mean_(std::move(mean)) {
  if (scales_.empty()) throw std::invalid_argument("gaussian: dim 0; need at least 1");
  for (double s : scales_) {
    if (positive(s)) continue;
    throw std::invalid_argument("gaussian: scale " + std::to_string(s) +
                                "; need a finite number above 0");
  }
  if (!mean_.empty() && mean_.size() != dim()) {
    throw std::invalid_argument("gaussian: " + std::to_string(mean_.size()) + " means for " +
                                std::to_string(dim()) + " scales; need as many, or none");
  }
  check_finite("gaussian: mean", mean_);
}

bool DiagonalGaussian::isotropic() const {
  return std::ranges::all_of(scales_, [&](double s) { return s == scales_[0]; });
}

ad::Var DiagonalGaussian::draw(ad::Var noise) const {
  check_batch("gaussian draw", noise, dim());
  const ad::Var z = isotropic() ? noise * scales_[0] : noise * row_constant(*noise.tape, scales_);
  return mean_.empty() ? z : z + row_constant(*z.tape, mean_);
}

ad::Var DiagonalGaussian::log_prob(ad::Var z) const {
  check_batch("gaussian log_prob", z, dim());
  double log_norm = double(dim()) * kLogSqrt2Pi;
  for (double s : scales_) log_norm += std::log(s);
  if (!mean_.empty()) z = z - row_constant(*z.tape, mean_);
  if (isotropic()) {
    return polynomial(sum(square(z), 1), {-log_norm, -0.5 / (scales_[0] * scales_[0])});
  }
  std::vector<double> precision;
  for (double s : scales_) precision.push_back(std::pow(s, -2));
  return polynomial(sum(square(z) * row_constant(*z.tape, precision), 1), {-log_norm, -0.5});
}

DiagonalGaussian standard_normal(std::size_t dim, double variance) {
  return DiagonalGaussian(std::vector<double>(dim, std::sqrt(checked_variance(dim, variance))));
}

TrainableGaussian::TrainableGaussian(ad::Params& params, const std::string& name, std::size_t dim,
                                     double variance) {
  const Real log_scale = Real(0.5 * std::log(checked_variance(dim, variance)));
  mean_ =
      params.add(name + ".mean", {dim}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
  log_scale_ = params.add(name + ".log_scale", {dim},
                          [&](std::span<Real> v) { std::ranges::fill(v, log_scale); });
}

ad::Var TrainableGaussian::draw(ad::Var noise) const {
  check_batch("gaussian draw", noise, dim());
  ad::Tape& tape = *noise.tape;
  return noise * exp(log_scale_.on(tape)) + mean_.on(tape);
}

ad::Var TrainableGaussian::log_prob(ad::Var z) const {
  check_batch("gaussian log_prob", z, dim());
  ad::Tape& tape = *z.tape;
  const ad::Var standard = (z - mean_.on(tape)) * exp(-log_scale_.on(tape));
  const ad::Var log_norm = sum(log_scale_.on(tape)) + double(dim()) * kLogSqrt2Pi;
  return -0.5 * sum(square(standard), 1) - log_norm;
}

}  // namespace eqp::flows
