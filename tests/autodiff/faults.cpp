#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>

#include "autodiff/non_finite.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"

// One fault injected per family of ops: the report must name that op, its layer and the row.
using eqp::Real;
using namespace eqp::ad;

namespace {

constexpr Real kMax = std::numeric_limits<Real>::max();

struct Fault {
  std::string name;
  std::function<Var(Var x)> f;  // x (3, 2): ones, but `value` at the end of row 1
  Real value;
  std::string report;  // up to the range of the inputs
};

Var constant(Var like, const Shape& shape, std::initializer_list<Real> values) {
  Tensor t(shape);
  std::ranges::copy(values, t.flat().begin());
  return like.tape->constant(std::move(t));
}

/// Ones around one infinity.
Var infinity_at(Var like, const Shape& shape, std::size_t at) {
  Tensor t(shape);
  std::ranges::fill(t.flat(), Real(1));
  t[at] = std::numeric_limits<Real>::infinity();
  return like.tape->constant(std::move(t));
}

const Fault kFaults[] = {
    // arithmetic
    {"divide", [](Var x) { return 1.0 / x; }, 0, "divide in net.1: inf in row 1 of (3, 2)"},
    {"add", [](Var x) { return x + x * 0.9; }, kMax, "add in net.1: inf in row 1 of (3, 2)"},
    {"square", [](Var x) { return square(x); }, -kMax, "multiply in net.1: inf in row 1 of (3, 2)"},
    {"power", [](Var x) { return pow(x, 0.3); }, -1, "power in net.1: nan in row 1 of (3, 2)"},
    {"polynomial",
     [](Var x) {
       return polynomial(x, {1, 0, 2, 0.5});
     },
     kMax, "polynomial in net.1: inf in row 1 of (3, 2)"},
    // functions
    {"exp", [](Var x) { return exp(x); }, 1000, "exp in net.1: inf in row 1 of (3, 2)"},
    {"log", [](Var x) { return log(x); }, -1, "log in net.1: nan in row 1 of (3, 2)"},
    {"log1p", [](Var x) { return log1p(x); }, -1, "log1p in net.1: -inf in row 1 of (3, 2)"},
    {"sqrt", [](Var x) { return sqrt(x); }, -1, "sqrt in net.1: nan in row 1 of (3, 2)"},
    // activations
    {"leaky relu", [](Var x) { return leaky_relu(x, 3); }, -kMax,
     "leaky_relu in net.1: -inf in row 1 of (3, 2)"},
    // choice
    {"where",
     [](Var x) {
       return where(greater(x, full(*x.tape, x.shape(), 1)), infinity_at(x, {3, 2}, 3), x);
     },
     2, "where in net.1: inf in row 1 of (3, 2)"},
    {"maximum",
     [](Var x) {
       return maximum(x, infinity_at(x, {3, 2}, 3));
     },
     1, "maximum in net.1: inf in row 1 of (3, 2)"},
    // reductions
    {"sum",
     [](Var x) {
       return sum(concat({x, x}, 1), 1);
     },
     kMax, "sum_to in net.1: inf in row 1 of (3, 1)"},
    {"running sum",
     [](Var x) {
       return cumsum(concat({x, x}, 1), 1);
     },
     kMax, "cumsum in net.1: inf in row 1 of (3, 4)"},
    // movements make nothing: what moves is followed to where it arose
    {"movements",
     [](Var x) {
       const Var moved = transpose(pad(slice(log(x), 0, 1, 3), 1, 0, 1));
       return gather(reshape(concat({moved, moved}, 0), {12}), 0, {3, 4, 2});
     },
     0, "log in net.1: -inf in row 1 of (3, 2)"},
    {"gather",
     [](Var x) {
       return x + gather(infinity_at(x, {2, 2}, 1), 0, {1, 0, 1});
     },
     1, "gather in net.1: inf in row 1 of (3, 2)"},
    // products
    {"product",
     [](Var x) {
       return matmul(x, constant(x, {2, 2}, {1, 0, 0, 3}));
     },
     kMax, "matmul in net.1: inf in row 1 of (3, 2)"},
    {"product, bias and all",
     [](Var x) {
       return affine(x, constant(x, {2, 2}, {1, 0, 0, 3}), constant(x, {2}, {1, 1}));
     },
     kMax, "affine in net.1: inf in row 1 of (3, 2)"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE(a_fault_in_any_kind_of_op_is_named_with_layer_and_row) {
  for (const Fault& fault : kFaults) {
    Workspace ws = compile({{3, 2}}, [&](std::span<const Var> in) {
                     const Scope net(*in[0].tape, "net"), layer(*in[0].tape, "1");
                     return Vars{0.5 * fault.f(in[0])};
                   }).workspace();
    std::ranges::fill(ws.in(0).flat(), Real(1));
    ws.in(0)[3] = fault.value;
    const std::string report = eqp::test::message<NonFinite>([&] { ws.run_checked(); });
    BOOST_TEST(report.substr(0, report.find(", from")) == fault.report,
               fault.name << ": " << report);
  }
}

BOOST_AUTO_TEST_CASE(a_fault_in_what_runs_once_per_update_is_named_with_its_parameter) {
  Params params;
  const Param w = params.add("net.1.w", {4, 2}, [](std::span<Real> v) {
    std::ranges::fill(v, Real(1));
    v[5] = -2;
  });
  const auto report = [](const Function& f) -> std::string {
    Workspace ws = compile({{3, 2}}, f).workspace();
    std::ranges::fill(ws.in(0).flat(), Real(3));
    try {
      ws.run_checked();
    } catch (const NonFinite& e) {
      BOOST_TEST(!e.row.has_value() == (std::string(e.what()).find("log") != std::string::npos));
      return e.what();
    }
    return "";
  };
  // Used as the transpose, and in the middle of a longer chain on parameters alone.
  BOOST_TEST(report([&](std::span<const Var> in) {
               const Scope net(*in[0].tape, "net"), layer(*in[0].tape, "1");
               const Var weight = 2.0 * log(w.on(*in[0].tape));
               return Vars{sum(matmul(in[0], transpose(weight)))};
             }) == "log in net.1: nan in row 2 of (4, 2), from net.1.w (4, 2) in [-2, 1]");
  // A fault of the product itself tells which parameter it is of.
  params.mutate()[5] = kMax;
  const std::string product = report([&](std::span<const Var> in) {
    const Scope net(*in[0].tape, "net"), layer(*in[0].tape, "1");
    return Vars{matmul(in[0], transpose(w.on(*in[0].tape)))};
  });
  BOOST_TEST(product.starts_with("matmul in net.1: inf in row 0 of (3, 4), from input (3, 2) in "
                                 "[3, 3]; transpose of net.1.w (2, 4) in [1, "),
             product);
}

BOOST_AUTO_TEST_SUITE_END()
