#include "autodiff/grad.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;
constexpr bool kDouble = sizeof(Real) == 8;
constexpr double kTolerance = kDouble ? 1e-12 : 2e-5;

void check_near(ConstView x, const std::function<double(std::size_t, std::size_t)>& expected) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < x.cols(); ++j) {
      const double e = expected(i, j), got = x(i, j);
      BOOST_TEST(std::abs(got - e) <= kTolerance * std::max(1.0, std::abs(e)),
                 "(" << i << ", " << j << ") is " << got << ", expected " << e);
    }
  }
}

double dot(ConstView a, ConstView b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += double(a[i]) * double(b[i]);
  return s;
}

Tensor tensor(const Shape& shape, const std::vector<Real>& values) {
  Tensor t(shape);
  std::ranges::copy(values, t.flat().begin());
  return t;
}

// A vector function (3, 4) -> (5, 2) of products, activations and moved pieces.
Var twisted(Var x) {
  const Var w = x.tape->constant(normal({4, 5}, {77}));
  const Var h = silu(matmul(x, w));
  const Var folded = logsumexp(h, 0) * cumsum(sum(tanh(h), 0), 0);
  return concat({reshape(folded, {5, 1}), reshape(max(h, 0), {5, 1})}, 1);
}

// A fixed matrix (n, 3).
Var weight(Var x, std::size_t n) { return x.tape->constant(normal({n, 3}, {4})); }

// An energy net (n, 2) -> (n): 2 - 4 - 1 with silu.
struct Net {
  Params params;
  Param w1, b1, w2, b2;
  Net() {
    const auto draw = [](std::uint32_t stream) {
      return [stream](std::span<Real> v) {
        Draws draws({21, stream});
        for (Real& p : v) p = Real(draws.normal());
      };
    };
    w1 = params.add("w1", {2, 4}, draw(0));
    b1 = params.add("b1", {4}, draw(1));
    w2 = params.add("w2", {4, 1}, draw(2));
    b2 = params.add("b2", {1}, draw(3));
  }
  Var operator()(Var x) const {
    Tape& t = *x.tape;
    const Var h = silu(affine(x, w1.on(t), b1.on(t)));
    return sum(affine(h, w2.on(t), b2.on(t)), 1) + 0.5 * sum(square(x), 1);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(derivatives_of_a_quadratic_form_are_its_matrix) {
  const double a[2][2] = {{2, -1}, {0.5, 3}};
  const Tensor matrix = tensor({2, 2}, {2, -1, 0.5, 3});
  const Tensor x = tensor({3, 2}, {1, 2, -1, 0.5, 3, -2}), v = tensor({3, 2}, {1, 0, 0, 1, 2, -1});
  const auto f = [&](Args in) {
    const Var y = sum(matmul(in[0], in[0].tape->constant(matrix)) * in[0], 1);
    return Vars{y, grad(y, in[0]), hvp(y, in[0], in[1]), jvp(y, in[0], in[1]), laplacian(y, in[0])};
  };
  const std::vector<Tensor> r = evaluate(f, {x, v});
  const auto symmetric = [&](const Tensor& t, std::size_t i, std::size_t j) {
    return (a[j][0] + a[0][j]) * t(i, 0) + (a[j][1] + a[1][j]) * t(i, 1);
  };
  const auto half = [&](const Tensor& t, std::size_t i) {
    return 0.5 * (t(i, 0) * symmetric(x, i, 0) + t(i, 1) * symmetric(x, i, 1));
  };
  check_near(r[0], [&](std::size_t i, std::size_t) { return half(x, i); });
  check_near(r[1], [&](std::size_t i, std::size_t j) { return symmetric(x, i, j); });
  check_near(r[2], [&](std::size_t i, std::size_t j) { return symmetric(v, i, j); });
  check_near(r[3], [&](std::size_t i, std::size_t) { return 2 * half(v, i); });
  check_near(r[4], [&](std::size_t, std::size_t) { return 2 * (a[0][0] + a[1][1]); });
}

BOOST_AUTO_TEST_CASE(laplacians_of_radial_functions_are_the_known_ones) {
  const std::size_t d = 3;
  const Tensor x = normal({6, d}, {4});
  const auto r2 = [&](std::size_t i) {
    return dot({x.row(i).data(), {d}}, {x.row(i).data(), {d}});
  };
  const auto f = [&](Args in) {
    const Var square_norm = sum(square(in[0]), 1);
    return Vars{laplacian(exp(-0.5 * square_norm), in[0]),
                laplacian(square_norm * square_norm, in[0]), laplacian(log(square_norm), in[0]),
                laplacian(pow(square_norm, -0.5), in[0])};
  };
  const std::vector<Tensor> l = evaluate(f, {x});
  check_near(l[0],
             [&](std::size_t i, std::size_t) { return (r2(i) - d) * std::exp(-0.5 * r2(i)); });
  check_near(l[1], [&](std::size_t i, std::size_t) { return 4 * (d + 2.0) * r2(i); });
  check_near(l[2], [&](std::size_t i, std::size_t) { return 2 * (d - 2.0) / r2(i); });
  for (const Real v : l[3].flat()) BOOST_TEST(std::abs(v) < 100 * kTolerance);  // harmonic
}

BOOST_AUTO_TEST_CASE(jvp_and_vjp_are_adjoint) {
  const Tensor x = normal({3, 4}, {1}), v = normal({3, 4}, {2}), u = normal({5, 2}, {3});
  const auto f = [](Args in) {
    const Var y = twisted(in[0]);
    return Vars{jvp(y, in[0], in[1]), vjp(y, in[0], in[2])};
  };
  const std::vector<Tensor> r = evaluate(f, {x, v, u});
  const double forward = dot(u, r[0]), backward = dot(r[1], v);
  BOOST_TEST(std::abs(forward) > 0.1);
  BOOST_TEST(std::abs(forward - backward) <= kTolerance * std::abs(forward) * 10);
}

BOOST_AUTO_TEST_CASE(a_jvp_is_the_directional_derivative) {
  const Tensor x = normal({3, 4}, {1}), v = normal({3, 4}, {2});
  const auto value = [](Args in) { return Vars{twisted(in[0])}; };
  const Tensor exact =
      evaluate([](Args in) { return Vars{jvp(twisted(in[0]), in[0], in[1])}; }, {x, v})[0];
  const double h = kDouble ? 6e-6 : 5e-3;
  const auto moved = [&](double t) {
    Tensor y = x;
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += Real(t * v[i]);
    return evaluate(value, {y})[0];
  };
  const Tensor above = moved(h), below = moved(-h);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    BOOST_TEST(std::abs((above[i] - below[i]) / (2 * h) - exact[i]) < (kDouble ? 1e-7 : 1e-2));
  }
}

BOOST_AUTO_TEST_CASE(a_hessian_is_symmetric) {
  const Tensor x = normal({3, 4}, {1}), v = normal({3, 4}, {2}), u = normal({3, 4}, {3});
  const auto f = [](Args in) {
    const Var y = twisted(in[0]);
    return Vars{hvp(y, in[0], in[1]), hvp(y, in[0], in[2])};
  };
  const std::vector<Tensor> r = evaluate(f, {x, v, u});
  BOOST_TEST(std::abs(dot(u, r[0])) > 0.1);
  BOOST_TEST(std::abs(dot(u, r[0]) - dot(v, r[1])) <= 20 * kTolerance * std::abs(dot(u, r[0])));
}

BOOST_AUTO_TEST_CASE(a_gradient_of_a_gradient_trains_a_score) {
  Net net;
  const Tensor x = normal({5, 2}, {31}), noise = normal({5, 2}, {32});
  const double sigma = 0.3;
  // Denoising score matching (Vincent 2011).
  const auto loss = [&](Args in) {
    const Var noisy = in[0] + sigma * in[1];
    const Var score = -grad(sum(net(noisy)), noisy);
    return mean(sum(square(sigma * score + in[1]), 1));
  };
  const auto f = [&](Args in) {
    const Var l = loss(in);
    return Vars{grad(l, net.params), l};
  };
  Workspace ws = compile({{5, 2}, {5, 2}}, f).workspace();
  std::ranges::copy(x.flat(), ws.in(0).data);
  std::ranges::copy(noise.flat(), ws.in(1).data);
  ws.run();
  const Tensor exact(ws.out(0));
  BOOST_REQUIRE_EQUAL(exact.size(), net.params.size());
  const double h = kDouble ? 6e-6 : 1e-2;
  for (std::size_t k = 0; k < exact.size(); ++k) {
    const Real middle = net.params.values()[k];
    double slope = 0;
    for (const double sign : {1.0, -1.0}) {
      net.params.mutate()[k] = middle + Real(sign * h);
      ws.run();
      slope += sign * ws.out(1)[0] / (2 * h);
    }
    net.params.mutate()[k] = middle;
    BOOST_TEST(std::abs(slope - exact[k]) < (kDouble ? 1e-8 : 2e-3),
               "parameter " << k << ": " << exact[k] << ", by differences " << slope);
  }
  // The output bias moves no score.
  BOOST_TEST(exact[exact.size() - 1] == 0);
}

BOOST_AUTO_TEST_CASE(the_gradient_by_parameters_is_flat_in_the_order_of_their_names) {
  Params params;
  const auto ones = [](std::span<Real> v) { std::ranges::fill(v, Real(1)); };
  const Param a = params.add("a", {2}, ones);
  params.add("unused", {2, 1}, ones);
  const Param c = params.add("c", {}, ones);
  const Param d = params.add("d", {1, 3}, ones);
  const auto f = [&](Args in) {
    Tape& t = *in[0].tape;
    const Var late = sum(d.on(t) * reshape(in[0], {1, 3}));
    return Vars{grad(late * c.on(t) + 7.0 * sum(a.on(t)), params)};
  };
  const Tensor g = evaluate(f, {tensor({3}, {1, 2, 4})})[0];
  const std::vector<Real> expected{7, 7, 0, 0, 7, 1, 2, 4};
  BOOST_CHECK_EQUAL_COLLECTIONS(g.flat().begin(), g.flat().end(), expected.begin(), expected.end());
}

BOOST_AUTO_TEST_CASE(a_derivative_in_a_recorded_value_sees_every_use_of_it) {
  // x is itself recorded: a shortcut past it, to what it was made from, would lose its derivative.
  struct Use {
    const char* name;
    Var (*make)(Var source);
    Var (*f)(Var x);
  };
  const std::vector<Use> uses{
      {"transposed again", transpose, [](Var x) { return sum(square(transpose(x))); }},
      {"a transposed operand", transpose,
       [](Var x) { return sum(square(matmul(x, weight(x, x.shape()[0]), {.a = true}))); }},
      {"the other operand", transpose,
       [](Var x) { return sum(square(matmul(weight(x, x.shape()[0]), x, {.a = true}))); }},
      {"a product of equal rows",
       [](Var s) {
         return broadcast_to(sum_to(s, {1, 5}), {4, 5});
       },
       [](Var x) { return sum(square(matmul(x, weight(x, 5)))); }},
      {"an elementwise function of stretched values",
       [](Var s) {
         return broadcast_to(sum_to(s, {1, 5}), {4, 5});
       },
       [](Var x) { return sum(x * x); }},
  };
  for (const Use& use : uses) {
    BOOST_TEST_CONTEXT(use.name) {
      const auto recorded = evaluate(
          [&](Args in) {
            const Var x = use.make(in[0]);
            return Vars{x, grad(use.f(x), x)};
          },
          {normal({4, 5}, {3})});
      const Tensor expected =
          evaluate([&](Args in) { return Vars{grad(use.f(in[0]), in[0])}; }, {recorded[0]})[0];
      BOOST_TEST(dot(expected, expected) > 1);
      check_near(recorded[1], [&](auto i, auto j) { return double(expected(i, j)); });
    }
  }
}

BOOST_AUTO_TEST_CASE(a_derivative_in_a_full_is_refused) {
  Tape tape;
  const Var t = full(tape, {3}, 0.5), x = tape.input({3});
  BOOST_CHECK_THROW(grad(sum(x * t), t), std::logic_error);
}

BOOST_AUTO_TEST_CASE(stop_gradient_is_constant_to_every_derivative) {
  const auto f = [](Args in) {
    const Var y = stop_gradient(in[0]) * square(in[0]);
    return Vars{y, grad(y, in[0]), hvp(y, in[0], in[1]), jvp(y, in[0], in[1]),
                grad(stop_gradient(y), in[0])};
  };
  const std::vector<Tensor> r = evaluate(f, {tensor({2}, {3, -2}), tensor({2}, {1, 10})});
  const std::vector<std::vector<Real>> expected{{27, -8}, {18, 8}, {6, -40}, {18, 80}, {0, 0}};
  for (std::size_t i = 0; i < r.size(); ++i) {
    BOOST_CHECK_EQUAL_COLLECTIONS(r[i].flat().begin(), r[i].flat().end(), expected[i].begin(),
                                  expected[i].end());
  }
}

BOOST_AUTO_TEST_CASE(a_value_that_does_not_depend_on_x_has_derivative_zero) {
  const auto f = [](Args in) {
    const Var x = in[0], y = exp(in[1]);
    return Vars{grad(y, x),       jvp(y, x, x),           hvp(y, x, x),
                grad(sign(x), x), grad(greater(x, x), x), grad(full(*x.tape, {2}, 3), x)};
  };
  const std::vector<Tensor> r = evaluate(f, {tensor({3}, {1, 2, 3}), tensor({2}, {4, 5})});
  const std::vector<std::size_t> sizes{3, 2, 3, 3, 3, 3};
  for (std::size_t i = 0; i < r.size(); ++i) {
    BOOST_TEST(r[i].size() == sizes[i]);
    for (const Real v : r[i].flat()) BOOST_TEST(v == 0);
  }
}

BOOST_AUTO_TEST_CASE(derivatives_by_several_values_and_by_one_in_the_middle) {
  const auto f = [](Args in) {
    const Var middle = square(in[0]), y = middle * in[1] + in[0];
    Vars out = grad(y, Vars{in[1], in[0], middle, y});
    out.push_back(jvp(in[0], in[0], in[1]));
    return out;
  };
  const std::vector<Tensor> r = evaluate(f, {tensor({}, {3}), tensor({}, {5})});
  const std::vector<Real> expected{9, 31, 5, 1, 5};
  for (std::size_t i = 0; i < r.size(); ++i) BOOST_TEST(r[i][0] == expected[i]);
}
