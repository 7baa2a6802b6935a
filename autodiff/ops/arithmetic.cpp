#include <cmath>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

constexpr Op kAdd{
    .name = "add",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("add", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return a + b; }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g, c.g};
    },
    // A product adds to what is there at no cost.
    .simplify = [](const Rewriting& r) -> Var {
      if (r.in[0] == r.in[1]) return r.in[0] * 2.0;
      for (const std::size_t i : {1, 0}) {
        const auto p = as_product(r.in[i]);
        if (p && r.only_use(i)) return add_product(r.in[1 - i], *p);
      }
      return {};
    },
    .elementwise = true,
};

constexpr Op kSubtract{
    .name = "subtract",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("subtract", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return a - b; }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g, -c.g};
    },
    .elementwise = true,
};

constexpr Op kMultiply{
    .name = "multiply",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("multiply", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return a * b; }>,
    .vjp = [](const Vjp& c) -> Vars {
      return {c.g * c.in[1], c.g * c.in[0]};
    },
    .elementwise = true,
};

constexpr Op kDivide{
    .name = "divide",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("divide", in); },
    .forward = elementwise2<[](Batch a, Batch b) { return a / b; }>,
    .vjp = [](const Vjp& c) -> Vars {
      const Var scaled = c.g / c.in[1];
      return {scaled, -(scaled * c.out)};
    },
    .elementwise = true,
};

constexpr Op kShift{
    .name = "shift",
    .shape = same_shape,
    .forward = elementwise_scalar<[](Batch x, Batch c, Batch) { return x + c; }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g}; },
    .elementwise = true,
};

constexpr Op kScale{
    .name = "scale",
    .shape = same_shape,
    .forward = elementwise_scalar<[](Batch x, Batch c, Batch) { return x * c; }>,
    .vjp = [](const Vjp& c) -> Vars { return {c.g * c.attr.scalar[0]}; },
    .simplify = [](const Rewriting& r) -> Var {
      const Node& inner = r.tape.node(r.in[0].id);
      if (inner.op != &kScale) return {};
      return Var{&r.tape, inner.in[0]} * (inner.attr.scalar[0] * r.node.attr.scalar[0]);
    },
    .elementwise = true,
};

constexpr Op kPower{
    .name = "power",
    .shape = same_shape,
    .forward =
        [](In in, Out out, const Attr& attr) {
          const Real p = Real(attr.scalar[0]);
          for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::pow(in[0][i], p);
        },
    .vjp = [](const Vjp& c) -> Vars {
      const double p = c.attr.scalar[0];
      return {c.g * (p * pow(c.in[0], p - 1))};
    },
    .elementwise = true,
};

// a^b with both varying. Where a = 0 the derivative in b is 0, its limit for b > 0; the logarithm
// is taken of 1 there, since 0 * log 0 would be NaN.
constexpr Op kPowerOf{
    .name = "power",
    .shape = [](std::span<const Var> in, const Attr&) { return equal_shapes("power", in); },
    .forward =
        [](In in, Out out, const Attr&) {
          for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::pow(in[0][i], in[1][i]);
        },
    .vjp = [](const Vjp& c) -> Vars {
      const Var a = c.in[0], b = c.in[1];
      const Var zero = equal(a, full(*a.tape, a.shape(), 0)), one = full(*a.tape, a.shape(), 1);
      return {c.g * b * pow(a, b - 1.0), c.g * c.out * log(where(zero, one, a))};
    },
    .elementwise = true,
};

constexpr Op kPolynomial{
    .name = "polynomial",
    .shape = same_shape,
    .forward =
        [](In in, Out out, const Attr& attr) {
          const auto& c = attr.coefficients;
          map(
              out.flat(),
              [&](Batch x) {
                Batch y(Real(c.back()));
                for (std::size_t k = c.size() - 1; k-- > 0;) y = y * x + Batch(Real(c[k]));
                return y;
              },
              in[0].data);
        },
    .vjp = [](const Vjp& c) -> Vars {
      const auto& a = c.attr.coefficients;
      std::vector<double> derivative;
      for (std::size_t k = 1; k < a.size(); ++k) derivative.push_back(double(k) * a[k]);
      return {c.g * polynomial(c.in[0], std::move(derivative))};
    },
    .elementwise = true,
};

bool is_full(Var x, double value) {
  const auto v = as_full(x);
  return v && *v == value;
}

}  // namespace

Var operator+(Var a, Var b) { return broadcast_binary(kAdd, a, b); }
Var operator-(Var a, Var b) { return broadcast_binary(kSubtract, a, b); }

Var operator*(Var a, Var b) {
  // Derivatives start from a cotangent of ones; multiplying by it would cost a pass.
  const Shape shape = broadcast_shape("multiply", a.shape(), b.shape());
  if (is_full(a, 1)) return broadcast_to(b, shape);
  if (is_full(b, 1)) return broadcast_to(a, shape);
  if (const auto v = as_full(a)) return broadcast_to(b, shape) * *v;
  if (const auto v = as_full(b)) return broadcast_to(a, shape) * *v;
  return broadcast_binary(kMultiply, a, b);
}

Var operator/(Var a, Var b) { return broadcast_binary(kDivide, a, b); }

Var operator-(Var x) { return x * -1.0; }
Var operator+(Var x, double c) { return c == 0 ? x : record(kShift, {x}, {.scalar = {c}}); }
Var operator+(double c, Var x) { return x + c; }
Var operator-(Var x, double c) { return x + -c; }
Var operator-(double c, Var x) { return -x + c; }
Var operator*(Var x, double c) {
  if (c == 1) return x;
  if (const auto v = as_full(x)) return full(*x.tape, x.shape(), *v * c);
  return record(kScale, {x}, {.scalar = {c}});
}
Var operator*(double c, Var x) { return x * c; }
Var operator/(Var x, double c) { return x * (1 / c); }
Var operator/(double c, Var x) { return full(*x.tape, x.shape(), c) / x; }

Var square(Var x) { return x * x; }

Var pow(Var x, double p) {
  if (p == 0) return full(*x.tape, x.shape(), 1);
  if (p == 1) return x;
  if (p == 2) return square(x);
  return record(kPower, {x}, {.scalar = {p}});
}

Var pow(Var a, Var b) { return broadcast_binary(kPowerOf, a, b); }

Var polynomial(Var x, std::vector<double> coefficients) {
  if (coefficients.empty()) return full(*x.tape, x.shape(), 0);
  if (coefficients.size() == 1) return full(*x.tape, x.shape(), coefficients[0]);
  return record(kPolynomial, {x}, {.coefficients = std::move(coefficients)});
}

}  // namespace eqp::ad
