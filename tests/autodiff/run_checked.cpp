#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autodiff/grad.hpp"
#include "autodiff/non_finite.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;
constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();

// What run_checked says about f at these values, empty if nothing.
std::string complaint(Workspace& ws) {
  return eqp::test::message<std::runtime_error>([&] { ws.run_checked(); });
}

std::string complaint(const Function& f, const std::vector<Real>& x, const Shape& shape) {
  Workspace ws = compile({shape}, f).workspace();
  std::ranges::copy(x, ws.in(0).data);
  return complaint(ws);
}

Var logarithm_in_layer(Var x) {
  const Scope net(*x.tape, "net"), layer(*x.tape, "1");
  return log(x);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_value_that_is_not_finite_is_named_with_op_layer_row_and_range) {
  const auto f = [](Args in) { return Vars{3.0 - logarithm_in_layer(in[0] * 2.0)}; };
  BOOST_TEST(complaint(f, {1, 2, 3, 4, -0.5, 1}, {3, 2}) ==
             "log in net.1: nan in row 2 of (3, 2), from input (3, 2) in [-1, 8]");
  BOOST_TEST(complaint(f, {1, 2, 0, 4, 5, 1}, {3, 2}) ==
             "log in net.1: -inf in row 1 of (3, 2), from input (3, 2) in [0, 10]");
  BOOST_TEST(complaint(f, {1, 2, 3, 4, 5, 1}, {3, 2}) == "");
}

BOOST_AUTO_TEST_CASE(outside_of_layers_the_op_alone_is_named) {
  const auto f = [](Args in) { return Vars{sum(in[0] / (in[0] - 1.0))}; };
  BOOST_TEST(complaint(f, {3, 1}, {2}) ==
             "divide: inf in row 1 of (2), from input (2) in [1, 3]; input (2) in [0, 2]");
}

BOOST_AUTO_TEST_CASE(a_bad_value_in_a_gradient_is_named_as_one) {
  const auto layer = [](Args in) { return Vars{grad(logarithm_in_layer(in[0]), in[0])}; };
  BOOST_TEST(
      complaint(layer, {2, 0}, {2}).starts_with("divide in gradient of net.1: inf in row 1"));
  const auto bare = [](Args in) { return Vars{grad(log(in[0]), in[0])}; };
  BOOST_TEST(complaint(bare, {2, 0}, {2}).starts_with("divide in gradient of log: inf in row 1"));
  const auto twice = [](Args in) { return Vars{hvp(logarithm_in_layer(in[0]), in[0], in[0])}; };
  const std::string text = complaint(twice, {2, 0}, {2});
  BOOST_TEST(text.starts_with("divide in gradient of net.1: nan in row 1"), text);
}

BOOST_AUTO_TEST_CASE(what_no_bad_output_follows_from_is_not_blamed) {
  // A mixture of two densities, one of weight 0; where x is negative, log x is to blame.
  const auto mixture = [](Args in) {
    const Var x = reshape(in[0], {4, 1});
    const Var weights = log(in[0].tape->constant([] {
      Tensor w({2});
      w[1] = 1;
      return w;
    }()));
    const Var terms = concat({-1.0 * square(x), logarithm_in_layer(x)}, 1);
    return Vars{logsumexp(terms + weights, 1)};
  };
  BOOST_TEST(complaint(mixture, {1, 2, 3, 4}, {4}) == "");
  BOOST_TEST(complaint(mixture, {1, 2, -3, 4}, {4}) ==
             "log in net.1: nan in row 2 of (4, 1), from input (4, 1) in [-3, 4]");
  const auto absorbed = [](Args in) { return Vars{exp(logarithm_in_layer(in[0]))}; };
  BOOST_TEST(complaint(absorbed, {1, 0}, {2}) == "");
}

BOOST_AUTO_TEST_CASE(the_row_that_is_bad_is_explained_not_another_one) {
  // exp overflows in row 0, to no effect; the root in row 2 is what the output follows from.
  const auto f = [](Args in) {
    const Var both = exp(in[0]) + 0.0 * sqrt(-1.0 * in[0] + 3.0);
    return Vars{minimum(both, full(*in[0].tape, {3, 2}, 7))};
  };
  const Real top = sizeof(Real) == 4 ? 100 : 1000;
  BOOST_TEST(complaint(f, {-top, 1, 1, 1, 1, top}, {3, 2}).starts_with("sqrt: nan in row 2"));
  BOOST_TEST(complaint(f, {1, 1, 1, 1, 1, 1}, {3, 2}) == "");
}

BOOST_AUTO_TEST_CASE(a_row_can_be_asked_for) {
  Workspace ws = compile({{4, 1}}, [](Args in) {
                   return Vars{sum(log(in[0]), 1) + sum(1.0 / (in[0] - 1.0), 1)};
                 }).workspace();
  std::ranges::copy(std::vector<Real>{0, 2, 1, 2}, ws.in(0).data);
  const auto asked = [&](std::optional<std::size_t> row) -> std::string {
    try {
      ws.run_checked(row);
    } catch (const NonFinite& e) {
      BOOST_TEST(e.row.value() == row.value_or(0));
      return std::string(e.what()).substr(0, 17);
    }
    return "";
  };
  BOOST_TEST(asked(std::nullopt) == "log: -inf in row ");
  BOOST_TEST(asked(0) == "log: -inf in row ");
  BOOST_TEST(asked(1) == "");
  BOOST_TEST(asked(2).starts_with("divide: inf in"));
}

BOOST_AUTO_TEST_CASE(a_bad_gradient_of_parameters_is_followed_to_its_row) {
  Params params;
  const Param w = params.add("w", {1, 3}, [](std::span<Real> v) { std::ranges::fill(v, Real(1)); });
  // sqrt has no slope at 0: the losses are finite, the gradient over all rows is not.
  const auto f = [&](Args in) {
    const Var loss = sum(sqrt(matmul(in[0], w.on(*in[0].tape))), 1);
    return Vars{loss, grad(loss, params)};
  };
  Workspace ws = compile({{5, 1}}, f).workspace();
  std::ranges::copy(std::vector<Real>{1, 2, 3, 0, 4}, ws.in(0).data);
  BOOST_CHECK_EXCEPTION(ws.run_checked(), NonFinite, [](const NonFinite& e) {
    BOOST_TEST(e.what() ==
               "divide in gradient of sqrt: inf in row 3 of (5, 3), from input (5, 3) in [0.5, "
               "0.5]; "
               "input (5, 3) in [0, 2]");
    return e.row == 3 && e.origin == NonFinite::Origin::operation;
  });
  BOOST_TEST(ws.in(0)[1] == 2);  // the inputs are as they were
}

BOOST_AUTO_TEST_CASE(a_parameter_is_no_row) {
  // As many parameters as rows; row 3 makes the derivative by the second one infinite.
  Params params;
  const Param w = params.add("w", {1, 5}, [](std::span<Real> v) { std::ranges::fill(v, Real(1)); });
  const auto f = [&](Args in) {
    const Var row = slice(w.on(*in[0].tape), 1, 1, 2);
    return Vars{grad(sum(sqrt(matmul(in[0], row)), 1), params)};
  };
  Workspace ws = compile({{5, 1}}, f).workspace();
  std::ranges::copy(std::vector<Real>{1, 2, 3, 0, 4}, ws.in(0).data);
  BOOST_CHECK_EXCEPTION(ws.run_checked(), NonFinite, [](const NonFinite& e) {
    BOOST_TEST(e.row.value_or(99) == 3);
    return true;
  });
}

BOOST_AUTO_TEST_CASE(a_bad_input_is_named) {
  const auto f = [](Args in) { return Vars{in[0] + 1.0}; };
  BOOST_TEST(complaint(f, {1, 2, 3, kNan}, {2, 2}) == "input 0: nan in row 1 of (2, 2)");
}

BOOST_AUTO_TEST_CASE(a_bad_parameter_is_named) {
  Params params;
  const Param w = params.add("net.0.weight", {3, 2}, [](std::span<Real> v) {
    std::ranges::fill(v, Real(1));
    v[5] = kNan;
  });
  const auto f = [&](Args in) { return Vars{matmul(in[0], w.on(*in[0].tape))}; };
  BOOST_TEST(complaint(f, {1, 1, 1}, {1, 3}) == "parameter net.0.weight: nan in row 2 of (3, 2)");
}

BOOST_AUTO_TEST_CASE(an_op_on_a_parameter_names_it_and_its_range) {
  Params params;
  const Param w = params.add("net.0.weight", {2}, [](std::span<Real> v) {
    v[0] = 1;
    v[1] = 1000;
  });
  const auto f = [&](Args in) { return Vars{in[0] * exp(w.on(*in[0].tape))}; };
  BOOST_TEST(complaint(f, {1, 1}, {2}) ==
             "exp: inf in row 1 of (2), from net.0.weight (2) in [1, 1000]");
}

BOOST_AUTO_TEST_CASE(a_bad_constant_expression_is_named_where_it_arises) {
  const auto f = [](Args in) {
    const Var bad = log(full(*in[0].tape, {2}, -1));
    return Vars{in[0] + bad};
  };
  BOOST_TEST(complaint(f, {1, 1}, {2}) == "log: nan in row 0 of (2), from input (2) in [-1, -1]");
}

BOOST_AUTO_TEST_CASE(a_range_without_finite_values_says_so) {
  const auto f = [](Args in) {
    return Vars{in[0] * in[0].tape->constant([] {
      Tensor t({2});
      std::ranges::fill(t.flat(), kNan);
      return t;
    }())};
  };
  BOOST_TEST(
      complaint(f, {1, 1}, {2}) ==
      "multiply: nan in row 0 of (2), from input (2) in [1, 1]; input (2) with 2 not finite");
}

BOOST_AUTO_TEST_CASE(a_run_that_failed_leaves_no_trace_in_the_next) {
  Params params;
  const Param w = params.add("w", {2}, [](std::span<Real> v) { std::ranges::fill(v, Real(1)); });
  // Two steps on parameters only: the check stops after the first, the second is still to do.
  const auto f = [&](Args in) { return Vars{in[0] + exp(log(w.on(*in[0].tape)))}; };
  Workspace ws = compile({{2}}, f).workspace();
  ws.run();
  BOOST_TEST(ws.out(0)[1] == 1);
  params.mutate()[0] = -1;
  params.mutate()[1] = 2;
  BOOST_TEST(complaint(ws).starts_with("log: nan in row 0"));
  ws.run();
  BOOST_TEST(std::isnan(ws.out(0)[0]));
  BOOST_TEST(std::abs(ws.out(0)[1] - 2) < 1e-6);
  params.mutate()[0] = 4;
  BOOST_TEST(complaint(ws) == "");
  BOOST_TEST(std::abs(ws.out(0)[0] - 4) < 1e-6);
}
