#include <algorithm>
#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

// Ones on and below the diagonal.
Var lower_mask(Tape& tape, std::size_t d) {
  Tensor mask({d, d});
  for (std::size_t i = 0; i < d; ++i) std::fill_n(mask.row(i).begin(), i + 1, Real(1));
  return tape.constant(std::move(mask));
}

// Row i of the inverse from those above it: (e_i - sum_{k < i} l_ik row_k) / l_ii.
void invert(In in, Out out, const Attr&) {
  const std::size_t d = out.shape[0];
  std::ranges::fill(out.flat(), Real(0));
  for (std::size_t i = 0; i < d; ++i) {
    Real* row = out.data + i * d;
    const Real* l = in[0].data + i * d;
    row[i] = 1;
    for (std::size_t k = 0; k < i; ++k) {
      const Real* above = out.data + k * d;
      for (std::size_t j = 0; j <= k; ++j) row[j] -= l[k] * above[j];
    }
    for (std::size_t j = 0; j <= i; ++j) row[j] /= l[i];
  }
}

constexpr Op kTriangularInverse{
    .name = "triangular_inverse",
    .shape =
        [](std::span<const Var> in, const Attr&) {
          const Shape& s = in[0].shape();
          if (s.rank() == 2 && s[0] == s[1]) return s;
          throw std::invalid_argument("triangular_inverse: " + str(s) + "; need (d, d)");
        },
    .forward = invert,
    // d(L^-1) = -L^-1 dL L^-1
    .vjp = [](const Vjp& c) -> Vars {
      const Var full = matmul(matmul(c.out, c.g, {.a = true}), c.out, {.b = true});
      return {-(full * lower_mask(*c.g.tape, c.out.shape()[0]))};
    },
};

}  // namespace

Var triangular_inverse(Var lower) { return record(kTriangularInverse, {lower}); }

}  // namespace eqp::ad
