#include "nn/embedding.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace eqp::nn {
namespace {

ad::Var waves(ad::Var angles) { return concat(ad::Vars{cos(angles), sin(angles)}, 1); }

}  // namespace

ad::Var column(ad::Var t) {
  const ad::Shape& s = t.shape();
  if (s.rank() == 1 || (s.rank() == 2 && s[1] == 1)) return reshape(t, {s[0], 1});
  throw std::invalid_argument("column: " + str(s) + "; need (n) or (n, 1)");
}

ad::Var sinusoidal_embedding(ad::Var t, std::size_t channels) {
  if (channels == 0 || channels % 2 != 0) {
    throw std::invalid_argument("sinusoidal_embedding: " + std::to_string(channels) +
                                " channels; need an even number above 0");
  }
  const std::size_t m = channels / 2;
  ad::Tensor w({1, m});
  for (std::size_t j = 0; j < m; ++j) w[j] = Real(std::pow(10000.0, -double(j) / double(m)));
  return waves(matmul(column(t), t.tape->constant(std::move(w))));
}

ad::Tensor random_frequencies(const ad::Shape& shape, double std, ad::Key key) {
  ad::Tensor b = ad::normal(shape, key);
  for (Real& v : b.flat()) v = Real(std * v);
  return b;
}

ad::Var fourier_features(ad::Var x, const ad::Tensor& frequencies) {
  const ad::Var rows = x.shape().rank() == 1 ? column(x) : x;
  const ad::Var b = x.tape->constant(frequencies);
  return waves(2 * std::numbers::pi * matmul(rows, b, {.b = true}));
}

}  // namespace eqp::nn
