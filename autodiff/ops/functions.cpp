#include <numbers>

#include "autodiff/ops/kernel.hpp"
#include "autodiff/ops/math.hpp"

namespace eqp::ad {
namespace {

// erf is 1 to the last bit beyond 6; xsimd 8 squares the argument, which would overflow.
Batch erf_of(Batch x) {
  const Batch far(Real(6));
  return xsimd::erf(xsimd::select(x > far, far, xsimd::select(x < -far, -far, x)));
}

constexpr Op kExp{
    .name = "exp",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return exp_of(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * c.out}; },
    .elementwise = true,
};

constexpr Op kExpm1{
    .name = "expm1",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::expm1(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * exp(c.in[0])}; },
    .elementwise = true,
};

constexpr Op kLog{
    .name = "log",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return log_of(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g / c.in[0]}; },
    .elementwise = true,
};

constexpr Op kLog1p{
    .name = "log1p",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::log1p(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g / (c.in[0] + 1.0)}; },
    .elementwise = true,
};

constexpr Op kSqrt{
    .name = "sqrt",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::sqrt(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * 0.5 / c.out}; },
    .elementwise = true,
};

constexpr Op kSin{
    .name = "sin",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::sin(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * cos(c.in[0])}; },
    .elementwise = true,
};

constexpr Op kCos{
    .name = "cos",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return xsimd::cos(x); }>,
    .vjp = [](const Vjp& c) -> Vars { return {-(c.g * sin(c.in[0]))}; },
    .elementwise = true,
};

constexpr Op kErf{
    .name = "erf",
    .shape = same_shape,
    .forward = elementwise1<[](Batch x) { return erf_of(x); }>,
    .vjp = [](const Vjp& c) -> Vars {
      constexpr double k = 2 * std::numbers::inv_sqrtpi;
      return {c.g * (k * exp(-square(c.in[0])))};
    },
    .elementwise = true,
};

}  // namespace

Var exp(Var x) { return record(kExp, {x}); }
Var expm1(Var x) { return record(kExpm1, {x}); }
Var log(Var x) { return record(kLog, {x}); }
Var log1p(Var x) { return record(kLog1p, {x}); }
Var sqrt(Var x) { return record(kSqrt, {x}); }
Var sin(Var x) { return record(kSin, {x}); }
Var cos(Var x) { return record(kCos, {x}); }
Var erf(Var x) { return record(kErf, {x}); }

}  // namespace eqp::ad
