#include "mcmc/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "autodiff/cholesky.hpp"
#include "autodiff/ops/simd.hpp"

namespace eqp::mcmc {
namespace {

void add_scaled(std::span<Real> to, Real scale, std::span<const Real> from) {
  for (std::size_t k = 0; k < to.size(); ++k) to[k] += scale * from[k];
}

/// to += scale diag(factor) from
void add_stretched(ad::View to, Real scale, ad::ConstView from, ad::ConstView factor) {
  const std::size_t d = to.cols();
  for (std::size_t i = 0; i < to.rows(); ++i) {
    Real* t = to.data + i * d;
    const Real *f = from.data + i * d, *l = factor.data;
    for (std::size_t j = 0; j < d; ++j) t[j] += scale * (l[j] * f[j]);
  }
}

// A matrix is padded with zeros to a multiple of so many columns.
constexpr std::size_t kPadding = 4 * ad::Batch::size;

std::size_t padded(std::size_t d) { return (d + kPadding - 1) / kPadding * kPadding; }

/// f(0), ..., f(n - 1) with constants, without which arrays of sums would not stay in registers.
template <std::size_t n, class F>
void unrolled(const F& f) {
  [&]<std::size_t... p>(std::index_sequence<p...>) {
    (f(std::integral_constant<std::size_t, p>()), ...);
  }
  (std::make_index_sequence<n>());
}

/// Columns j to j + batches of `rows` rows of to += scale from A, from rows first to last of A. A
/// row's sums have the same order whatever rows are summed with it.
template <std::size_t rows, std::size_t batches>
void add_columns(Real* to, Real scale, const Real* from, ad::ConstView a, std::size_t d,
                 std::size_t j, std::size_t first, std::size_t last) {
  using ad::Batch;
  std::array<Batch, rows * batches> sum;
  unrolled<rows * batches>([&](auto p) { sum[p] = Batch(Real(0)); });
  const std::size_t stride = a.cols();
  const Real* entries = a.data + first * stride + j;
  for (std::size_t k = first; k < last; ++k, entries += stride) {
    unrolled<rows * batches>([&](auto p) {
      const Batch entry = Batch::load_aligned(entries + p % batches * Batch::size);
      sum[p] = xsimd::fma(Batch(from[p / batches * d + k]), entry, sum[p]);
    });
  }
  alignas(ad::kAlignment) Real sums[rows][batches * Batch::size];
  unrolled<rows * batches>(
      [&](auto p) { sum[p].store_aligned(sums[p / batches] + p % batches * Batch::size); });
  const std::size_t width = std::min(batches * Batch::size, d - j);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t l = 0; l < width; ++l) to[i * d + j + l] += scale * sums[i][l];
  }
}

/// to += scale from A with A (d, padded(d)), whose rows outside of range(j, width) are zero in
/// columns j to j + width.
template <class Range>
void add_product(ad::View to, Real scale, ad::ConstView from, ad::ConstView a, const Range& range) {
  const std::size_t d = to.cols(), n = to.rows();
  const auto some_rows = [&]<std::size_t rows, std::size_t batches>(std::size_t i) {
    constexpr std::size_t kWidth = batches * ad::Batch::size;
    for (std::size_t j = 0; j < d; j += kWidth) {
      const auto [first, last] = range(j, kWidth);
      add_columns<rows, batches>(to.data + i * d, scale, from.data + i * d, a, d, j, first, last);
    }
  };
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) some_rows.template operator()<4, 2>(i);
  for (; i < n; ++i) some_rows.template operator()<1, 4>(i);
}

}  // namespace

Metric Metric::diagonal(std::span<const double> variances) {
  if (variances.empty()) throw std::invalid_argument("Metric: no variances; need at least 1");
  Metric m;
  m.kind_ = Kind::diagonal;
  m.dim_ = variances.size();
  m.inverse_mass_.assign(variances.begin(), variances.end());
  m.factor_ = ad::Tensor({m.dim_});
  for (std::size_t j = 0; j < m.dim_; ++j) {
    if (!(variances[j] > 0 && std::isfinite(variances[j]))) {
      std::ostringstream text;
      text << "Metric: variance " << variances[j] << " of coordinate " << j
           << "; need a finite number above 0";
      throw std::invalid_argument(text.str());
    }
    m.factor_[j] = Real(std::sqrt(variances[j]));
  }
  return m;
}

Metric Metric::dense(std::span<const double> covariance, std::size_t dim) {
  const ad::Cholesky factor("Metric", covariance, dim);
  Metric m;
  m.kind_ = Kind::dense;
  m.dim_ = dim;
  m.inverse_mass_.assign(covariance.begin(), covariance.end());
  m.factor_ = ad::Tensor({dim, padded(dim)});
  m.transposed_ = ad::Tensor({dim, padded(dim)});
  for (std::size_t i = 0; i < dim; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      m.factor_(i, j) = m.transposed_(j, i) = Real(factor(i, j));
    }
  }
  return m;
}

void Metric::drift(ad::View x, Real h, ad::ConstView q) const {
  if (kind_ == Kind::unit) return add_scaled(x.flat(), h, q.flat());
  if (kind_ == Kind::diagonal) return add_stretched(x, h, q, factor_);
  // As rows, x += h q L^T.
  add_product(x, h, q, transposed_, [d = dim_](std::size_t j, std::size_t width) {
    return std::pair(std::size_t(0), std::min(d, j + width));
  });
}

void Metric::kick(ad::View q, Real h, ad::ConstView g) const {
  if (kind_ == Kind::unit) return add_scaled(q.flat(), h, g.flat());
  if (kind_ == Kind::diagonal) return add_stretched(q, h, g, factor_);
  add_product(q, h, g, factor_, [d = dim_](std::size_t j, std::size_t) { return std::pair(j, d); });
}

void Metric::archive(ad::Archive& a) {
  Kind kind = kind_;
  std::size_t dim = dim_;
  std::vector<double> inverse_mass = inverse_mass_;
  a("kind", kind);
  a("dim", dim);
  a("inverse_mass", inverse_mass);
  if (!a.reading()) return;
  if (kind == Kind::unit) *this = Metric();
  if (kind == Kind::diagonal) *this = diagonal(inverse_mass);
  if (kind == Kind::dense) *this = dense(inverse_mass, dim);
}

std::string name(Metric::Kind kind) {
  return kind == Metric::Kind::unit       ? "unit"
         : kind == Metric::Kind::diagonal ? "diagonal"
                                          : "dense";
}

void check_metric(const char* kernel, const Metric& metric, std::size_t dim) {
  if (metric.kind() == Metric::Kind::unit || metric.dim() == dim) return;
  throw std::invalid_argument(std::string(kernel) + ": a metric of dimension " +
                              std::to_string(metric.dim()) + "; need " + std::to_string(dim));
}

}  // namespace eqp::mcmc
