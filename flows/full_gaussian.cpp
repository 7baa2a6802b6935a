#include "flows/full_gaussian.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "autodiff/cholesky.hpp"
#include "flows/constants.hpp"

namespace eqp::flows {
namespace {

// Entry (i, j) of the factor and of its inverse, column by column of the identity.
ad::Tensor factor_of(const ad::Cholesky& l, bool transposed) {
  ad::Tensor m({l.dim(), l.dim()});
  for (std::size_t i = 0; i < l.dim(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) (transposed ? m(j, i) : m(i, j)) = Real(l(i, j));
  }
  return m;
}

ad::Tensor inverse_of(const ad::Cholesky& l, bool transposed) {
  ad::Tensor m({l.dim(), l.dim()});
  std::vector<double> column(l.dim());
  for (std::size_t j = 0; j < l.dim(); ++j) {
    column.assign(l.dim(), 0);
    column[j] = 1;
    l.solve(column);
    for (std::size_t i = j; i < l.dim(); ++i) (transposed ? m(j, i) : m(i, j)) = Real(column[i]);
  }
  return m;
}

void check_mean(const std::vector<double>& mean) {
  if (mean.empty()) throw std::invalid_argument("gaussian: dim 0; need at least 1");
  check_finite("gaussian: mean", mean);
}

double log_norm(std::size_t d, double log_det) {
  return 0.5 * (double(d) * std::log(2 * std::numbers::pi) + log_det);
}

}  // namespace

// With C = L L^T, z = mean + L noise.
FullGaussian::FullGaussian(std::vector<double> mean, std::span<const double> covariance)
    : mean_(std::move(mean)) {
  check_mean(mean_);
  const ad::Cholesky l("gaussian", covariance, dim());
  from_noise_ = factor_of(l, true);
  to_noise_ = inverse_of(l, true);
  log_norm_ = log_norm(dim(), l.log_det());
}

// With P = L L^T, noise = L^T (z - mean).
FullGaussian FullGaussian::with_precision(std::vector<double> mean,
                                          std::span<const double> precision) {
  check_mean(mean);
  const ad::Cholesky l("gaussian precision", precision, mean.size());
  FullGaussian g;
  g.mean_ = std::move(mean);
  g.from_noise_ = inverse_of(l, false);
  g.to_noise_ = factor_of(l, false);
  g.log_norm_ = log_norm(l.dim(), -l.log_det());
  return g;
}

ad::Var FullGaussian::draw(ad::Var noise) const {
  check_batch("gaussian draw", noise, dim());
  ad::Tape& tape = *noise.tape;
  return affine(noise, tape.constant(from_noise_), row_constant(tape, mean_));
}

ad::Var FullGaussian::log_prob(ad::Var z) const {
  check_batch("gaussian log_prob", z, dim());
  ad::Tape& tape = *z.tape;
  const ad::Var noise = matmul(z - row_constant(tape, mean_), tape.constant(to_noise_));
  return polynomial(sum(square(noise), 1), {-log_norm_, -0.5});
}

FullGaussian lattice_gaussian(const LatticeOptions& o) {
  if (o.sites == 0 || !(o.a > 0 && std::isfinite(o.a)) || !(o.beta > 0 && std::isfinite(o.beta))) {
    throw std::invalid_argument("lattice_gaussian: " + std::to_string(o.sites) + " sites, a " +
                                std::to_string(o.a) + ", beta " + std::to_string(o.beta) +
                                "; need at least 1 site and finite numbers above 0");
  }
  const std::size_t n = o.sites;
  const double c = o.a * double(n);
  std::vector<double> precision(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    precision[i * n + i] = o.beta * (2 * c + 1 / c);
    if (i + 1 < n) precision[i * n + i + 1] = precision[(i + 1) * n + i] = -o.beta * c;
  }
  return FullGaussian::with_precision(std::vector<double>(n, 0), precision);
}

}  // namespace eqp::flows
