#include <numbers>
#include <stdexcept>

#include "autodiff/ops/kernel.hpp"
#include "autodiff/ops/math.hpp"

namespace eqp::ad {
namespace {

constexpr Op kTanh{
    .name = "tanh",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return tanh_of(x); }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * polynomial(c.out, {1, 0, -1})};
    },
    .elementwise = true,
};

constexpr Op kSigmoid{
    .name = "sigmoid",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return logistic_of(x); }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * polynomial(c.out, {0, 1, -1})};
    },
    .elementwise = true,
};

constexpr Op kSoftplus{
    .name = "softplus",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return softplus_of(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * sigmoid(c.in[0])}; },
    .elementwise = true,
};

constexpr Op kRelu{
    .name = "relu",
    .shape = same_shape,
    .forward =
        elementwise1<[](Batch x) { return xsimd::select(x < Batch(Real(0)), Batch(Real(0)), x); }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * greater(c.in[0], full(*c.g.tape, c.g.shape(), 0))};
    },
    .elementwise = true,
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
    .elementwise = true,
};

}  // namespace

Var tanh(Var x) { return record(kTanh, {x}); }
Var sigmoid(Var x) { return record(kSigmoid, {x}); }
Var softplus(Var x) { return record(kSoftplus, {x}); }
Var gelu(Var x) { return 0.5 * x * (1.0 + erf(x * (1 / std::numbers::sqrt2))); }
Var relu(Var x) { return record(kRelu, {x}); }
Var leaky_relu(Var x, double slope) { return record(kLeakyRelu, {x}, {.scalar = {slope}}); }

}  // namespace eqp::ad
