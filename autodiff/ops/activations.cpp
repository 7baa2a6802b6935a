#include <numbers>
#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

Batch logistic(Batch x) { return Batch(Real(1)) / (Batch(Real(1)) + xsimd::exp(-x)); }

constexpr Op kTanh{
    .name = "tanh",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::tanh(x); }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * polynomial(c.out, {1, 0, -1})};
    },
    .in_place = true,
};

constexpr Op kSigmoid{
    .name = "sigmoid",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return logistic(x); }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * polynomial(c.out, {0, 1, -1})};
    },
    .in_place = true,
};

constexpr Op kSoftplus{
    .name = "softplus",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) {
      const Batch zero(Real(0));
      // select, not max: a NaN must come through.
      return xsimd::select(x < zero, zero, x) + xsimd::log1p(xsimd::exp(-xsimd::abs(x)));
    }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * sigmoid(c.in[0])}; },
    .in_place = true,
};

// The derivatives of the logistic function are polynomials in its value s: P_0 = s and
// P_{k+1} = P_k'(s) s (1 - s).
constexpr std::size_t kMaxOrder = 12;
struct Poly {
  std::array<double, kMaxOrder + 3> c{};
  std::size_t degree = 0;
};
Poly logistic_derivative(std::size_t order) {
  Poly p;
  p.c[1] = 1;
  p.degree = 1;
  for (std::size_t k = 0; k < order; ++k) {
    Poly next;
    next.degree = p.degree + 1;
    for (std::size_t j = 1; j <= p.degree; ++j) {
      next.c[j] += double(j) * p.c[j];
      next.c[j + 1] -= double(j) * p.c[j];
    }
    p = next;
  }
  return p;
}
Batch horner(const Poly& p, Batch s) {
  Batch y(Real(p.c[p.degree]));
  for (std::size_t k = p.degree; k-- > 0;) y = y * s + Batch(Real(p.c[k]));
  return y;
}

// The k-th derivative of x s(x) is x P_k(s) + k P_{k-1}(s): one pass each, whatever the order,
// where composing it of elementary ops takes six.
constexpr Op kSilu{
    .name = "silu",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          if (attr.index[0] > kMaxOrder) {
            throw std::invalid_argument("silu: derivative of order " +
                                        std::to_string(attr.index[0]) + "; at most " +
                                        std::to_string(kMaxOrder));
          }
          return in[0].shape();
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const std::size_t k = attr.index[0];
          if (k == 0) {
            map(
                out.flat(), [](Batch x) { return x * logistic(x); }, in[0].data);
            return;
          }
          if (k == 1) {
            map(
                out.flat(),
                [](Batch x) {
                  const Batch s = logistic(x);
                  return s + x * s * (Batch(Real(1)) - s);
                },
                in[0].data);
            return;
          }
          const Poly p = logistic_derivative(k), q = logistic_derivative(k - 1);
          const Batch order = Batch(Real(k));
          map(
              out.flat(),
              [&](Batch x) {
                const Batch s = logistic(x);
                return x * horner(p, s) + order * horner(q, s);
              },
              in[0].data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      const std::size_t order = c.attr.index[0] + 1;
      return {c.g * record(kSilu, {c.in[0]}, {.index = {order}})};
    },
    .in_place = true,
};

constexpr Op kRelu{
    .name = "relu",
    .shape = same_shape,
    .forward =
        elementwise1<[](Batch x) { return xsimd::select(x < Batch(Real(0)), Batch(Real(0)), x); }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * greater(c.in[0], full(*c.g.tape, c.g.shape(), 0))};
    },
    .in_place = true,
};

constexpr Op kLeakyRelu{
    .name = "leaky_relu",
    .shape = same_shape,
    .forward = elementwise_scalar<[](Batch x, Batch slope, Batch) {
      return xsimd::select(x < Batch(Real(0)), x * slope, x);
    }>,
    .vjp = [](const Vjp& c) -> Vars {
      Tape& tape = *c.g.tape;
      const Shape& shape = c.g.shape();
      const Var below = greater(full(tape, shape, 0), c.in[0]);
      const Var slope = full(tape, shape, c.attr.scalar[0]);
      return {c.g * where(below, slope, full(tape, shape, 1))};
    },
    .in_place = true,
};

}  // namespace

Var tanh(Var x) { return record(kTanh, {x}); }
Var sigmoid(Var x) { return record(kSigmoid, {x}); }
Var softplus(Var x) { return record(kSoftplus, {x}); }
Var silu(Var x) { return record(kSilu, {x}); }
Var gelu(Var x) { return 0.5 * x * (1.0 + erf(x * (1 / std::numbers::sqrt2))); }
Var relu(Var x) { return record(kRelu, {x}); }
Var leaky_relu(Var x, double slope) { return record(kLeakyRelu, {x}, {.scalar = {slope}}); }

}  // namespace eqp::ad
