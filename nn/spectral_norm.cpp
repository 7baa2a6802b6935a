#include "nn/spectral_norm.hpp"

#include <stdexcept>

#include "autodiff/random.hpp"

namespace eqp::nn {
namespace {

ad::Var unit(ad::Var v) { return v / sqrt(sum(square(v))); }

}  // namespace

ad::Var spectral_norm(ad::Var w, std::size_t iterations) {
  if (iterations == 0) throw std::invalid_argument("spectral_norm: 0 iterations; need at least 1");
  const ad::Var fixed = stop_gradient(w);
  // Any vector that is not orthogonal to the answer.
  ad::Var u = w.tape->constant(ad::normal({w.shape()[0], 1}, {0, 0})), v;
  for (std::size_t k = 0; k < iterations; ++k) {
    v = unit(matmul(fixed, u, {.a = true}));
    u = unit(matmul(fixed, v));
  }
  return sum(u * matmul(w, v));
}

WeightMap spectral_normalisation(std::size_t iterations) {
  return [=](ad::Var w) { return w / spectral_norm(w, iterations); };
}

}  // namespace eqp::nn
