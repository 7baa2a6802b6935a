#include "flows/linear.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/cholesky.hpp"

namespace eqp::flows {
namespace {

ad::Param zeros(ad::Params& params, const std::string& name, std::size_t size) {
  return params.add(name, {size}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
}

std::size_t below_diagonal(std::size_t d) { return d * (d - 1) / 2; }

// The matrix with these entries below the diagonal, row by row, and this diagonal (d).
ad::Var triangular(ad::Var below, ad::Var diagonal) {
  const std::size_t d = diagonal.shape()[0];
  std::vector<std::size_t> index;
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < i; ++j) index.push_back(i * d + j);
  }
  for (std::size_t i = 0; i < d; ++i) index.push_back(i * d + i);
  return reshape(scatter_add(concat(ad::Vars{below, diagonal}, 0), 0, index, d * d), {d, d});
}

// Volume changes by the same factor everywhere.
ad::Var per_row(ad::Var log_scale, ad::Var x) {
  return broadcast_to(sum(log_scale), {x.shape()[0]});
}

// Of another model's, the offsets would be those of something else.
void check_own(const std::string& who, const ad::Param& param, const ad::Params& params) {
  if (param.params == &params) return;
  throw std::invalid_argument(who + ": parameters of another model to start in; need its own");
}

std::vector<double> column_means(const std::string& who, ad::ConstView x) {
  if (x.rows() < 2) {
    throw std::invalid_argument(who + ": " + std::to_string(x.rows()) +
                                " rows to start from; need at least 2");
  }
  std::vector<double> mean(x.shape[1]);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += double(x(i, j));
  }
  for (double& m : mean) m /= double(x.rows());
  return mean;
}

}  // namespace

ElementwiseAffine::ElementwiseAffine(ad::Params& params, const std::string& name, std::size_t dim)
    : Bijection(name, dim),
      log_scale_(zeros(params, name + ".log_scale", dim)),
      shift_(zeros(params, name + ".shift", dim)) {}

void ElementwiseAffine::start_from(ad::Params& params, ad::ConstView x) const {
  check_own(name(), shift_, params);
  const std::vector<double> mean = column_means(name(), x);
  const auto values = params.mutate();
  for (std::size_t j = 0; j < dim(); ++j) {
    double square = 0;
    for (std::size_t i = 0; i < x.rows(); ++i) square += std::pow(double(x(i, j)) - mean[j], 2);
    if (!(square > 0 && std::isfinite(square))) {
      throw std::invalid_argument(name() + ": column " + std::to_string(j) +
                                  " has one value, or not a finite one, in all rows to start "
                                  "from; need a spread");
    }
    values[shift_.offset + j] = Real(mean[j]);
    values[log_scale_.offset + j] = Real(0.5 * std::log(square / double(x.rows())));
  }
}

Mapped ElementwiseAffine::push(ad::Var z, ad::Var) const {
  const ad::Var s = log_scale_.on(*z.tape);
  return {z * exp(s) + shift_.on(*z.tape), per_row(s, z)};
}

Mapped ElementwiseAffine::pull(ad::Var x, ad::Var) const {
  const ad::Var s = log_scale_.on(*x.tape);
  return {(x - shift_.on(*x.tape)) * exp(-s), per_row(-s, x)};
}

Whitening::Whitening(ad::Params& params, const std::string& name, std::size_t dim)
    : Bijection(name, dim),
      lower_(zeros(params, name + ".lower", below_diagonal(dim))),
      log_diagonal_(zeros(params, name + ".log_diagonal", dim)),
      shift_(zeros(params, name + ".shift", dim)) {}

void Whitening::start_from(ad::Params& params, ad::ConstView x) const {
  check_own(name(), shift_, params);
  const std::size_t d = dim();
  const std::vector<double> mean = column_means(name(), x);
  std::vector<double> covariance(d * d), centred(d);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < d; ++j) centred[j] = double(x(i, j)) - mean[j];
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t k = 0; k < d; ++k) {
        covariance[j * d + k] += centred[j] * centred[k] / double(x.rows());
      }
    }
  }
  const ad::Cholesky factor(name(), covariance, d);
  const auto values = params.mutate();
  Real* below = values.data() + lower_.offset;
  for (std::size_t i = 0; i < d; ++i) {
    values[shift_.offset + i] = Real(mean[i]);
    values[log_diagonal_.offset + i] = Real(std::log(factor(i, i)));
    for (std::size_t j = 0; j < i; ++j) *below++ = Real(factor(i, j));
  }
}

ad::Var Whitening::matrix(ad::Tape& tape) const {
  return triangular(lower_.on(tape), exp(log_diagonal_.on(tape)));
}

Mapped Whitening::push(ad::Var z, ad::Var) const {
  ad::Tape& tape = *z.tape;
  return {affine(z, matrix(tape), shift_.on(tape), {.b = true}),
          per_row(log_diagonal_.on(tape), z)};
}

Mapped Whitening::pull(ad::Var x, ad::Var) const {
  ad::Tape& tape = *x.tape;
  const ad::Var inverse = triangular_inverse(matrix(tape));
  return {matmul(x - shift_.on(tape), inverse, {.b = true}), per_row(-log_diagonal_.on(tape), x)};
}

LuLinear::LuLinear(ad::Params& params, const std::string& name, std::size_t dim, ad::Key key)
    : Bijection(name, dim),
      order_(ad::permutation(dim, key)),
      lower_(zeros(params, name + ".lower", below_diagonal(dim))),
      upper_(zeros(params, name + ".upper", below_diagonal(dim))),
      log_diagonal_(zeros(params, name + ".log_diagonal", dim)),
      shift_(zeros(params, name + ".shift", dim)) {}

ad::Var LuLinear::lower(ad::Tape& tape) const {
  return triangular(lower_.on(tape), full(tape, {dim()}, 1));
}

// The entries of U above its diagonal are kept as U^T's below it.
ad::Var LuLinear::upper_transposed(ad::Tape& tape) const {
  return triangular(upper_.on(tape), exp(log_diagonal_.on(tape)));
}

Mapped LuLinear::push(ad::Var z, ad::Var) const {
  ad::Tape& tape = *z.tape;
  const ad::Var product = matmul(lower(tape), upper_transposed(tape), {.b = true});
  return {affine(z, gather(product, 0, order_), shift_.on(tape), {.b = true}),
          per_row(log_diagonal_.on(tape), z)};
}

Mapped LuLinear::pull(ad::Var x, ad::Var) const {
  ad::Tape& tape = *x.tape;
  // (L U)^-T = L^-T U^-T, whose columns P then puts where it found its rows.
  const ad::Var inverse = matmul(triangular_inverse(lower(tape)),
                                 triangular_inverse(upper_transposed(tape)), {.a = true});
  std::vector<std::size_t> place(dim());
  for (std::size_t j = 0; j < dim(); ++j) place[order_[j]] = j;
  const ad::Var moved = gather(x - shift_.on(tape), 1, place);
  return {matmul(moved, inverse), per_row(-log_diagonal_.on(tape), x)};
}

}  // namespace eqp::flows
