#include "autodiff/tape.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/checkpoint.hpp"
#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

// The line with which recording f is refused.
std::string refusal(const std::function<void(Tape&)>& f) {
  Tape tape;
  return eqp::test::refusal([&] { f(tape); });
}

void zeros(std::span<Real> values) { std::ranges::fill(values, Real(0)); }

}  // namespace

BOOST_AUTO_TEST_CASE(recording_a_mismatch_names_the_op_and_both_shapes) {
  const std::vector<std::pair<std::function<void(Tape&)>, std::string>> rows{
      {[](Tape& t) {
         t.input({3, 2}) + t.input({4});
       },
       "add: (3, 2) and (4) do not broadcast"},
      {[](Tape& t) { t.input({3}) - t.input({4}); }, "subtract: (3) and (4) do not broadcast"},
      {[](Tape& t) {
         t.input({3}) * t.input({2, 4});
       },
       "multiply: (3) and (2, 4) do not broadcast"},
      {[](Tape& t) { t.input({3}) / t.input({4}); }, "divide: (3) and (4) do not broadcast"},
      {[](Tape& t) { pow(t.input({3}), t.input({4})); }, "power: (3) and (4) do not broadcast"},
      {[](Tape& t) { maximum(t.input({3}), t.input({4})); },
       "maximum: (3) and (4) do not broadcast"},
      {[](Tape& t) { where(t.input({3}), t.input({3}), t.input({2})); },
       "where: (3) and (2) do not broadcast"},
      {[](Tape& t) {
         matmul(t.input({64, 3}), t.input({4, 16}));
       },
       "matmul: (64, 3) times (4, 16): inner sizes differ"},
      {[](Tape& t) {
         matmul(t.input({3, 4}), t.input({3, 4}), {.a = true, .b = true});
       },
       "matmul: (3, 4) transposed times (3, 4) transposed: inner sizes differ"},
      {[](Tape& t) {
         matmul(t.input({2, 3, 4}), t.input({4, 3}));
       },
       "matmul: (2, 3, 4) times (4, 3): need two matrices or two batches of matrices"},
      {[](Tape& t) {
         matmul(t.input({2, 3, 4}), t.input({5, 4, 3}));
       },
       "matmul: (2, 3, 4) times (5, 4, 3): batch sizes differ"},
      {[](Tape& t) {
         affine(t.input({4, 3}), t.input({3, 5}), t.input({4}));
       },
       "affine: (4, 3) times (3, 5) plus (4): need (n, k), (k, m) and (m)"},
      {[](Tape& t) {
         reshape(t.input({4, 3}), {5});
       },
       "reshape: (4, 3) to (5): numbers of elements differ"},
      {[](Tape& t) {
         broadcast_to(t.input({4, 3}), {3});
       },
       "broadcast_to: (4, 3) does not stretch to (3)"},
      {[](Tape& t) {
         broadcast_to(full(t, {4, 3}, 1), {3});
       },
       "broadcast_to: (4, 3) does not stretch to (3)"},
      {[](Tape& t) {
         sum_to(t.input({4, 3}), {4, 2});
       },
       "sum_to: (4, 3) and (4, 2) do not broadcast"},
      {[](Tape& t) {
         sum_to(t.input({3}), {4, 3});
       },
       "sum_to: (3) is no stretched (4, 3)"},
      {[](Tape& t) { transpose(t.input({4})); }, "transpose: (4): need at least 2 dimensions"},
      {[](Tape& t) {
         permute(t.input({4, 3}), {0, 0});
       },
       "permute: axes of (4, 3) must be a permutation of 0 ... 1"},
      {[](Tape& t) {
         concat({t.input({4, 3}), t.input({4, 2})}, 0);
       },
       "concat: (4, 3) and (4, 2) differ off axis 0"},
      {[](Tape& t) {
         concat({t.input({4, 3}), t.input({4})}, 0);
       },
       "concat: (4, 3) and (4) differ in rank"},
      {[](Tape&) { concat({}, 0); }, "concat: no parts; need at least 1"},
      {[](Tape& t) {
         slice(t.input({4, 3}), 1, 2, 5);
       },
       "slice: [2, 5) of axis 1 of (4, 3)"},
      {[](Tape& t) {
         slice(t.input({4, 3}), 2, 0, 1);
       },
       "slice: axis 2 of (4, 3): need less than 2"},
      {[](Tape& t) { pad(t.input({4}), 1, 0, 1); }, "pad: axis 1 of (4): need less than 1"},
      {[](Tape& t) {
         gather(t.input({4}), 0, {1, 4});
       },
       "gather: index 4 on an axis of extent 4"},
      {[](Tape& t) {
         scatter_add(t.input({4}), 0, {1, 2}, 4);
       },
       "scatter_add: 2 indices for axis 0 of (4)"},
      {[](Tape& t) {
         scatter_add(t.input({2}), 0, {1, 9}, 4);
       },
       "scatter_add: index 9 on an axis of extent 4"},
      {[](Tape& t) { sum(t.input({4}), 1); }, "sum: axis 1 of (4): need less than 1"},
      {[](Tape& t) { logsumexp(t.input({4}), 1); }, "logsumexp: axis 1 of (4): need less than 1"},
      {[](Tape& t) {
         max(t.input({4, 0}), 1);
       },
       "max: axis 1 of (4, 0) is empty"},
      {[](Tape& t) { cumsum(t.input({4}), 1); }, "cumsum: axis 1 of (4): need less than 1"},
      {[](Tape& t) {
         t.input({1, 1, 1, 1, 1});
       },
       "shape: 5 dimensions; at most 4 are supported"},
      {[](Tape& t) { vjp(t.input({4}), t.input({2}), t.input({3})); },
       "vjp: cotangent (3) for a value (4)"},
      {[](Tape& t) { jvp(t.input({4}), t.input({2}), t.input({3})); },
       "jvp: tangent (3) for a value (2)"},
      {[](Tape& t) {
         laplacian(t.input({4, 1}), t.input({4, 2}));
       },
       "laplacian: y (4, 1), x (4, 2): need (n) and (n, d)"},
      {[](Tape& t) {
         const Var x = t.input({2});
         Var g = silu(x);
         for (int k = 0; k < 20; ++k) g = grad(g, x);
       },
       "silu: derivative of order 13; at most 12"},
  };
  for (const auto& [f, expected] : rows) BOOST_TEST(refusal(f) == expected);
}

BOOST_AUTO_TEST_CASE(clamp_needs_an_ordered_range) {
  BOOST_TEST(refusal([](Tape& t) { clamp(t.input({2}), 1, 0); }).starts_with("clamp: low 1"));
  BOOST_TEST(refusal([](Tape& t) { clamp(t.input({2}), NAN, 0); }).starts_with("clamp: low nan"));
}

BOOST_AUTO_TEST_CASE(a_silu_has_twelve_derivatives) {
  // At 0 it is 12 times the 11th derivative of the logistic function, (2^12 - 1) B_12 / 12.
  const auto f = [](std::span<const Var> x) {
    Var g = silu(x[0]);
    for (int k = 0; k < 12; ++k) g = grad(g, x[0]);
    return Vars{g};
  };
  constexpr double bernoulli = -691.0 / 2730;
  const double eleventh = 4095 * bernoulli / 12;
  BOOST_TEST(evaluate(f, {Tensor({1})})[0][0] == Real(12 * eleventh),
             boost::test_tools::tolerance(Real(1e-4)));
}

BOOST_AUTO_TEST_CASE(equal_expressions_are_recorded_once) {
  Tape tape;
  const Var x = tape.input({3}), y = tape.input({3});
  const Var a = exp(x) * y + 2.0, b = exp(x) * y + 2.0;
  BOOST_TEST((a == b));
  const std::size_t size = tape.size();
  slice(a, 0, 1, 2);
  BOOST_TEST(tape.size() == size + 1);
  slice(b, 0, 1, 2);
  BOOST_TEST(tape.size() == size + 1);
  BOOST_TEST(!(slice(a, 0, 0, 2) == slice(a, 0, 1, 2)));
  BOOST_TEST(!(x + 2.0 == x + 3.0));
  BOOST_TEST(!(x - y == y - x));
  BOOST_TEST(!(gather(x, 0, {0, 1}) == gather(x, 0, {1, 0})));
  BOOST_TEST(!(polynomial(x, {1, 2}) == polynomial(x, {2, 1})));
  BOOST_TEST(!(reshape(x, {3, 1}) == reshape(x, {1, 3})));
  BOOST_TEST(!(tape.input({3}) == tape.input({3})));
}

BOOST_AUTO_TEST_CASE(a_parameter_is_one_leaf_per_tape) {
  Params params, others;
  const Param w = params.add("w", {2}, zeros), v = others.add("w", {2}, zeros);
  Tape tape, second;
  BOOST_TEST((w.on(tape) == w.on(tape)));
  BOOST_TEST(!(w.on(tape) == v.on(tape)));
  BOOST_TEST(!(w.on(tape) == w.on(second)));
}

BOOST_AUTO_TEST_CASE(values_of_two_tapes_do_not_mix) {
  Tape tape, other;
  const Var x = tape.input({2}), y = other.input({2});
  BOOST_CHECK_THROW(x + y, std::logic_error);
  BOOST_CHECK_THROW(where(x, x, y), std::logic_error);
  BOOST_CHECK_THROW(concat({x, y}, 0), std::logic_error);
  BOOST_CHECK_THROW(grad(x * 2.0, y), std::logic_error);
  BOOST_CHECK_THROW(jvp(x * 2.0, y, y), std::logic_error);
  BOOST_CHECK_THROW(jvp(x * 2.0, x, y), std::logic_error);
  BOOST_CHECK_THROW(second_directional(x * 2.0, y, y), std::logic_error);
  BOOST_CHECK_THROW(second_directional(Var{}, x, x), std::logic_error);
  BOOST_CHECK_THROW(vjp(x * 2.0, Vars{x}, y), std::logic_error);
  BOOST_CHECK_THROW(checkpoint([](Var v) { return v; }, Var{}), std::logic_error);
  const auto both = [](const Vars& v) { return v; };
  BOOST_CHECK_THROW(checkpoint(both, Vars{x, y}), std::logic_error);
  BOOST_CHECK_THROW(exp(Var{}), std::logic_error);
  BOOST_CHECK_THROW(x * Var{}, std::logic_error);
  BOOST_CHECK_THROW(compile({{2}}, [&](std::span<const Var>) { return Vars{x}; }),
                    std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_program_cannot_need_what_is_not_given) {
  const auto with_placeholder = [](std::span<const Var> x) {
    return Vars{x[0] + x[0].tape->placeholder({2})};
  };
  BOOST_CHECK_THROW(compile({{2}}, with_placeholder), std::logic_error);
  const auto with_stray_input = [](std::span<const Var> x) {
    return Vars{x[0] + x[0].tape->input({2})};
  };
  BOOST_CHECK_THROW(compile({{2}}, with_stray_input), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_parameter_name_is_taken_once) {
  Params params;
  params.add("net.weight", {2, 3}, zeros);
  BOOST_TEST(eqp::test::refusal([&] { params.add("net.weight", {1}, zeros); }) ==
             "params: \"net.weight\" exists already");
  BOOST_TEST(params.size() == 6u);
  params.add("net.bias", {3}, [](std::span<Real> v) { std::ranges::fill(v, Real(5)); });
  BOOST_TEST(params.entries()[1].offset == 6u);
  BOOST_TEST(params.values()[5] == 0);
  BOOST_TEST(params.values()[8] == 5);
}

BOOST_AUTO_TEST_CASE(a_parameter_whose_initialiser_throws_leaves_no_trace) {
  Params params;
  const auto one = [](std::span<Real> v) { std::ranges::fill(v, Real(1)); };
  params.add("a", {2}, one);
  const std::uint64_t version = params.version();
  const auto fails = [](std::span<Real>) { throw std::runtime_error("no"); };
  BOOST_CHECK_THROW(params.add("b", {3}, fails), std::runtime_error);
  BOOST_TEST(params.size() == 2u);
  BOOST_TEST(params.entries().size() == 1u);
  BOOST_TEST(params.version() == version);
  params.add("b", {3}, one);
  BOOST_TEST(params.size() == 5u);
}
