#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

Batch one_where(Mask m) { return xsimd::select(m, Batch(Real(1)), Batch(Real(0))); }

constexpr Op kAbs{
    .name = "abs",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::abs(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * sign(c.in[0])}; },
    .elementwise = true,
};

constexpr Op kSign{
    .name = "sign",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) {
      const Batch zero(Real(0)), one(Real(1));
      return xsimd::select(x > zero, one, xsimd::select(x < zero, -one, x));
    }>,
    .elementwise = true,
};

constexpr Op kRound{
    .name = "round",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::nearbyint(x); }>,
    .elementwise = true,
};

constexpr Op kGreater{
    .name = "greater",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("greater", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return one_where(a > b); }>,
    .elementwise = true,
};

constexpr Op kEqual{
    .name = "equal",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("equal", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return one_where(a == b); }>,
    .elementwise = true,
};

// Cotangents of an op that picks the side for which `first` is 1: the tie is split.
Vars picked(const Vjp& c, Var first) {
  const Var share = first + 0.5 * equal(c.in[0], c.in[1]);
  return {c.g * share, c.g * (1.0 - share)};
}

// One side of a pair. NaN wins over every number; xsimd's a != a is false for NaN.
Batch pick(Mask first, Batch a, Batch b) { return xsimd::select(first | xsimd::isnan(a), a, b); }

constexpr Op kMaximum{
    .name = "maximum",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("maximum", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return pick(a > b, a, b); }>,
    .vjp = [](const Vjp& c) { return picked(c, greater(c.in[0], c.in[1])); },
    .elementwise = true,
};

constexpr Op kMinimum{
    .name = "minimum",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("minimum", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return pick(a < b, a, b); }>,
    .vjp = [](const Vjp& c) { return picked(c, greater(c.in[1], c.in[0])); },
    .elementwise = true,
};

constexpr Op kWithin{
    .name = "within",
    .shape = same_shape,
    .forward = elementwise_scalar<[](Batch x, Batch low, Batch high) {
      return one_where((x >= low) & (x <= high));
    }>,
    .elementwise = true,
};

constexpr Op kClamp{
    .name = "clamp",
    .shape = same_shape,
    .forward = elementwise_scalar<[](Batch x, Batch low, Batch high) {
      return xsimd::select(x < low, low, xsimd::select(x > high, high, x));
    }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * record(kWithin, {c.in[0]}, {.scalar = c.attr.scalar})};
    },
    .elementwise = true,
};

// The cotangent is chosen, not multiplied by a mask: an infinite one on the side not taken must not
// become NaN.
constexpr Op kWhere{
    .name = "where",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("where", in); },
    .forward =
        [](In in, Out out, const Attr&) {
          map(
              out.flat(),
              [](Batch m, Batch a, Batch b) { return xsimd::select(m == Batch(Real(0)), b, a); },
              in[0].data, in[1].data, in[2].data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      const Var zero = full(*c.g.tape, c.g.shape(), 0);
      return {Var{}, where(c.in[0], c.g, zero), where(c.in[0], zero, c.g)};
    },
    .elementwise = true,
};

constexpr Op kStopGradient{
    .name = "stop_gradient",
    .shape = same_shape,
    .elementwise = true,
    .view = whole,
};

}  // namespace

Var abs(Var x) { return record(kAbs, {x}); }
Var sign(Var x) { return record(kSign, {x}); }
Var round(Var x) { return record(kRound, {x}); }

Var minimum(Var a, Var b) { return broadcast_binary(kMinimum, a, b); }
Var maximum(Var a, Var b) { return broadcast_binary(kMaximum, a, b); }
Var greater(Var a, Var b) { return broadcast_binary(kGreater, a, b); }
Var equal(Var a, Var b) { return broadcast_binary(kEqual, a, b); }

Var clamp(Var x, double low, double high) {
  if (!(low <= high)) {
    throw std::invalid_argument("clamp: low " + std::to_string(low) + " is not at most high " +
                                std::to_string(high));
  }
  return record(kClamp, {x}, {.scalar = {low, high}});
}

Var where(Var condition, Var a, Var b) {
  const Shape shape =
      broadcast_shape("where", broadcast_shape("where", condition.shape(), a.shape()), b.shape());
  return record(kWhere,
                {broadcast_to(condition, shape), broadcast_to(a, shape), broadcast_to(b, shape)});
}

Var stop_gradient(Var x) { return record(kStopGradient, {x}); }

}  // namespace eqp::ad
