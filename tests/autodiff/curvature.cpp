#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;
constexpr bool kDouble = sizeof(Real) == 8;
constexpr std::size_t kRows = 5, kDim = 3;

Var weight(Var like, const Shape& shape, std::uint32_t stream) {
  return like.tape->constant(normal(shape, {81, stream}));
}

struct Field {
  std::string name;
  Var (*f)(Var x);  // x (5, 3) -> (5, 3), row by row
};

// Every way in which a node can bend: elementwise in one value and in two, the same value twice,
// products of two moving values, reductions, and moves, which do not bend at all.
const Field kFields[] = {
    {"network",
     [](Var x) {
       const Var h = silu(affine(x, weight(x, {3, 7}, 0), weight(x, {7}, 1)));
       return matmul(tanh(matmul(h, weight(x, {7, 6}, 2))), weight(x, {6, 3}, 3));
     }},
    {"activations",
     [](Var x) { return softplus(2.0 * x) * sigmoid(x) + gelu(x) - leaky_relu(x) * erf(x); }},
    {"functions",
     [](Var x) {
       return exp(0.5 * x) * sin(x) + log1p(square(x)) * sqrt(2.0 + cos(x)) + expm1(-x);
     }},
    {"quotient", [](Var x) { return x / (2.0 + square(x)) - 3.0 / (1.5 + tanh(x)); }},
    {"powers",
     [](Var x) {
       return pow(1.0 + exp(x), 1.5) + pow(1.0 + square(x), sigmoid(x)) +
              polynomial(x, {1, 2, 3, 4});
     }},
    {"the same value twice", [](Var x) { return x * x * (x + x) + x / (1.0 + x * x); }},
    {"choices",
     [](Var x) {
       return where(greater(x, 0.3 * square(x)), square(x), x * exp(x)) +
              abs(x) * maximum(x, sin(x)) + clamp(square(x), 0.1, 0.9);
     }},
    {"sums over a row",
     [](Var x) {
       const Var all = sum(square(x), 1), soft = logsumexp(2.0 * x, 1), top = max(x, 1);
       return broadcast_to(reshape(all * soft + top * all, {kRows, 1}), {kRows, kDim}) * x;
     }},
    {"running sum", [](Var x) { return cumsum(square(x), 1) * x; }},
    {"product of two moving batches",
     [](Var x) {
       const Var column = reshape(sin(x), {kRows, kDim, 1}), row = reshape(x, {kRows, 1, kDim});
       return sum(matmul(column, row) * exp(0.3 * matmul(column, row)), 1);
     }},
    {"product with a transpose",
     [](Var x) {
       const Var a = reshape(sin(x), {kRows, kDim, 1}), b = reshape(square(x), {kRows, kDim, 1});
       const Var turned = matmul(transpose(reshape(exp(x), {kRows, 1, kDim})), transpose(b));
       return sum(matmul(2.0 * a, transpose(3.0 * b)) + turned, 1);
     }},
    {"reductions of a broadcast",
     [](Var x) {
       const Var p = sum(square(x), 1), wide = broadcast_to(reshape(p, {kRows, 1}), {kRows, kDim});
       const Var q = reshape(logsumexp(wide, 1) * max(wide, 1), {kRows, 1});
       return q * x + wide * broadcast_to(reshape(sin(p), {kRows, 1}), {kRows, kDim});
     }},
    {"moves",
     [](Var x) {
       const Var y = concat({slice(x, 1, 1, 3), square(slice(x, 1, 0, 1))}, 1);
       return gather(y, 1, {2, 0, 2}) *
                  permute(reshape(x, {1, kRows, kDim}), {1, 2, 0}).shape()[1] +
              scatter_add(y * y, 1, {1, 1, 0}, 3) + pad(slice(x * y, 1, 0, 2), 1, 1, 0);
     }},
    {"stopped", [](Var x) { return stop_gradient(square(x)) * sin(x) + sign(x) * x * x; }},
    {"straight",
     [](Var x) {
       return 2.0 * x - matmul(x, weight(x, {3, 3}, 4));
     }},
    {"constant", [](Var x) { return full(*x.tape, x.shape(), 3); }},
};

Var energy(const Field& field, Var x) { return sum(field.f(x) * weight(x, {kDim}, 9), 1); }

// The derivative of column j by x, reverse only.
Var row_of_jacobian(Var f, Var x, std::size_t j) { return grad(slice(f, 1, j, j + 1), x); }

void check_close(const Tensor& got, const Tensor& expected, const std::string& what) {
  BOOST_REQUIRE(got.shape() == expected.shape());
  double size = 1;
  for (const Real v : expected.flat()) size = std::max(size, std::abs(double(v)));
  const double tolerance = (kDouble ? 1e-12 : 2e-5) * size;
  for (std::size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST(std::abs(double(got[i]) - double(expected[i])) <= tolerance,
               what << " " << i << " is " << got[i] << ", expected " << expected[i]);
  }
}

Tensor points() { return normal({kRows, kDim}, {82}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(curvature)

BOOST_AUTO_TEST_CASE(a_closed_form_of_three_variables) {
  const auto f = [](Args in) {
    const Var x = slice(in[0], 1, 0, 1), y = slice(in[0], 1, 1, 2), z = slice(in[0], 1, 2, 3);
    const Var u = sum(x * x * x * y + sin(y) * z + exp(2.0 * z) * x, 1);
    return Vars{laplacian(u, in[0]), second_directional(u, in[0], in[1])};
  };
  const Tensor x = points(), v = normal({kRows, kDim}, {83});
  const std::vector<Tensor> r = evaluate(f, {x, v});
  for (std::size_t i = 0; i < kRows; ++i) {
    const double a = x(i, 0), b = x(i, 1), c = x(i, 2), p = v(i, 0), q = v(i, 1), s = v(i, 2);
    const double xx = 6 * a * b, yy = -std::sin(b) * c, zz = 4 * std::exp(2 * c) * a;
    const double xy = 3 * a * a, yz = std::cos(b), xz = 2 * std::exp(2 * c);
    const double along =
        xx * p * p + yy * q * q + zz * s * s + 2 * (xy * p * q + yz * q * s + xz * p * s);
    const double tolerance = kDouble ? 1e-13 : 1e-5;
    BOOST_TEST(std::abs(r[0][i] - (xx + yy + zz)) <= tolerance * (1 + std::abs(xx + yy + zz)));
    BOOST_TEST(std::abs(r[1][i] - along) <= tolerance * (1 + std::abs(along)));
  }
}

BOOST_AUTO_TEST_CASE(forward_second_derivatives_are_those_of_two_reverse_sweeps) {
  for (const Field& field : kFields) {
    const auto f = [&](Args in) {
      const Var x = in[0], y = energy(field, x), g = grad(y, x);
      Var trace;
      for (std::size_t j = 0; j < kDim; ++j) {
        const Var second = slice(row_of_jacobian(g, x, j), 1, j, j + 1);
        trace = trace ? trace + second : second;
      }
      return Vars{laplacian(y, x), reshape(trace, {kRows}), second_directional(y, x, in[1]),
                  sum(hvp(y, x, in[1]) * in[1], 1)};
    };
    const std::vector<Tensor> r = evaluate(f, {points(), normal({kRows, kDim}, {83})});
    check_close(r[0], r[1], field.name + ": laplacian");
    check_close(r[2], r[3], field.name + ": second_directional");
  }
}

BOOST_AUTO_TEST_CASE(divergences_are_the_traces_of_jacobians) {
  for (const Field& field : kFields) {
    const auto f = [&](Args in) {
      const Var x = in[0], y = field.f(x);
      Var trace;
      for (std::size_t j = 0; j < kDim; ++j) {
        const Var entry = slice(row_of_jacobian(y, x, j), 1, j, j + 1);
        trace = trace ? trace + entry : entry;
      }
      return Vars{divergence(y, x), reshape(trace, {kRows})};
    };
    const std::vector<Tensor> r = evaluate(f, {points()});
    check_close(r[0], r[1], field.name);
  }
}

BOOST_AUTO_TEST_CASE(a_second_derivative_of_a_field_is_the_jvp_of_its_jvp) {
  for (const Field& field : kFields) {
    const auto f = [&](Args in) {
      const Var x = in[0], y = field.f(x);
      return Vars{second_directional(y, x, in[1]), jvp(jvp(y, x, in[1]), x, in[1])};
    };
    const std::vector<Tensor> r = evaluate(f, {points(), normal({kRows, kDim}, {83})});
    check_close(r[0], r[1], field.name);
  }
}

BOOST_AUTO_TEST_CASE(second_derivatives_nest) {
  for (const Field& field : kFields) {
    const auto f = [&](Args in) {
      const Var x = in[0], v = in[1], y = energy(field, x);
      const auto along = [&](Var u) { return sum(grad(u, x) * v, 1); };
      return Vars{second_directional(second_directional(y, x, v), x, v),
                  along(along(along(along(y))))};
    };
    const std::vector<Tensor> r = evaluate(f, {points(), normal({kRows, kDim}, {83})});
    check_close(r[0], r[1], field.name);
  }
}

BOOST_AUTO_TEST_CASE(estimates_are_means_over_the_probes) {
  constexpr std::size_t n_probes = 4;
  for (const Field& field : kFields) {
    const auto f = [&](Args in) {
      const Var x = in[0], y = energy(field, x), field_value = field.f(x);
      Var curvature, trace;
      for (std::size_t k = 0; k < n_probes; ++k) {
        const Var v = reshape(slice(in[1], 0, k, k + 1), x.shape());
        const Var c = sum(hvp(y, x, v) * v, 1), t = sum(vjp(field_value, x, v) * v, 1);
        curvature = curvature ? curvature + c : c;
        trace = trace ? trace + t : t;
      }
      return Vars{hutchinson_laplacian(y, x, in[1]), 0.25 * curvature,
                  hutchinson_divergence(field_value, x, in[1]), 0.25 * trace};
    };
    const std::vector<Tensor> r = evaluate(f, {points(), normal({n_probes, kRows, kDim}, {84})});
    check_close(r[0], r[1], field.name + ": laplacian");
    check_close(r[2], r[3], field.name + ": divergence");
  }
}

BOOST_AUTO_TEST_CASE(estimates_of_a_laplacian_have_its_mean_and_the_known_variance) {
  // Of v' A v with normal v the variance is 2 tr A^2 (A symmetric); rows are independent.
  constexpr std::size_t rows = 20000;
  const auto f = [&](Args in) {
    const Var x = in[0], a = slice(x, 1, 0, 1), b = slice(x, 1, 1, 2);
    const Var u = sum(a * a + 1.5 * a * b - 0.5 * b * b, 1);
    return Vars{hutchinson_laplacian(u, x, in[1])};
  };
  const Tensor r = evaluate(f, {Tensor({rows, 2}), normal({1, rows, 2}, {85})})[0];
  double mean = 0, square = 0;
  for (const Real v : r.flat()) {
    mean += double(v) / rows;
    square += double(v) * double(v) / rows;
  }
  const double variance = 2 * (4 + 1 + 2 * 1.5 * 1.5);  // A = ((2, 1.5), (1.5, -1)), trace 1
  BOOST_TEST(std::abs(mean - 1) < 4 * std::sqrt(variance / rows));
  // The kurtosis of v' A v is at most 15, that of a square.
  BOOST_TEST(std::abs(square - mean * mean - variance) < 4 * variance * std::sqrt(14.0 / rows));
}

BOOST_AUTO_TEST_CASE(a_laplacian_has_parameter_gradients) {
  Params params;
  const Param w = params.add("w", {kDim, 4}, [](std::span<Real> v) {
    BlockRng{{86}}.normal({v.data(), {1, v.size()}});
  });
  const Function loss = [&](Args in) {
    const Var u = sum(silu(matmul(in[0], w.on(*in[0].tape))), 1);
    const Var l = sum(square(laplacian(u, in[0])));
    return Vars{l, grad(l, params)};
  };
  Workspace ws = compile({{kRows, kDim}}, loss).workspace();
  std::ranges::copy(points().flat(), ws.in(0).data);
  ws.run();
  const Tensor g{ws.out(1)};
  const double h = kDouble ? 1e-5 : 1e-2, tolerance = kDouble ? 1e-7 : 2e-2;
  for (std::size_t k = 0; k < params.size(); ++k) {
    double difference = 0;
    for (const double sign : {1.0, -1.0}) {
      const Real kept = params.values()[k];
      params.mutate()[k] = Real(kept + sign * h);
      ws.run();
      difference += sign * double(ws.out(0)[0]) / (2 * h);
      params.mutate()[k] = kept;
    }
    BOOST_TEST(std::abs(g[k] - difference) <= tolerance * (1 + std::abs(difference)));
  }
}

BOOST_AUTO_TEST_CASE(bad_shapes_are_named) {
  Tape t;
  const Var y = t.input({4}), x = t.input({4, 2}), v = t.input({3, 2});
  const auto says = [](const std::string& text) {
    return [text](const std::invalid_argument& e) { return e.what() == text; };
  };
  BOOST_CHECK_EXCEPTION(second_directional(y, x, v), std::invalid_argument,
                        says("second_directional: direction (3, 2) for a value (4, 2)"));
  BOOST_CHECK_EXCEPTION(divergence(y, x), std::invalid_argument,
                        says("divergence: f (4), x (4, 2): need (n, d) and (n, d)"));
  BOOST_CHECK_EXCEPTION(hutchinson_laplacian(y, x, v), std::invalid_argument,
                        says("hutchinson_laplacian: probes (3, 2) for x (4, 2): need (k, n, d) "
                             "with k at least 1"));
  BOOST_CHECK_EXCEPTION(hutchinson_divergence(x, x, t.input({0, 4, 2})), std::invalid_argument,
                        says("hutchinson_divergence: probes (0, 4, 2) for x (4, 2): need (k, n, d) "
                             "with k at least 1"));
}

BOOST_AUTO_TEST_SUITE_END()
