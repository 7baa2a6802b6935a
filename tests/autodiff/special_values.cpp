#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;
constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();
constexpr Real kInf = std::numeric_limits<Real>::infinity();
constexpr Real kMax = std::numeric_limits<Real>::max();
constexpr Real kMin = std::numeric_limits<Real>::min();
const std::vector<Real> kSpecial{kNan, kInf,  -kInf, 0,  Real(-0.0), kMax,     -kMax,
                                 kMin, -kMin, 1,     -1, Real(0.5),  Real(2.5)};

// Two whole SIMD batches of the widest kind and a tail.
constexpr std::size_t kLength = 37;

Tensor filled(std::size_t n, Real value) {
  Tensor t({n});
  std::ranges::fill(t.flat(), value);
  return t;
}

bool agree(Real a, double b) {
  if (std::isnan(b)) return std::isnan(a);
  if (double(a) == b) return true;
  // Results below the normal range may be flushed to zero.
  const double scale = std::max(std::abs(b), double(kMin));
  return std::abs(double(a) - b) <= 16 * double(std::numeric_limits<Real>::epsilon()) * scale;
}

bool same_bits(Real a, Real b) { return std::memcmp(&a, &b, sizeof a) == 0; }

struct Unary {
  const char* name;
  Var (*f)(Args);
  Real (*exact)(Real);
};

Real sigmoid_of(Real v) { return 1 / (1 + std::exp(-v)); }
Real softplus_of(Real v) { return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)); }

const std::vector<Unary> kUnary{
    {"-x", [](Args x) { return -x[0]; }, [](Real v) { return -v; }},
    {"x + 2", [](Args x) { return x[0] + 2.0; }, [](Real v) { return v + 2; }},
    {"0 x", [](Args x) { return 0.0 * x[0]; }, [](Real v) { return 0 * v; }},
    {"2 / x", [](Args x) { return 2.0 / x[0]; }, [](Real v) { return 2 / v; }},
    {"square", [](Args x) { return square(x[0]); }, [](Real v) { return v * v; }},
    {"pow 3", [](Args x) { return pow(x[0], 3.0); }, [](Real v) { return std::pow(v, Real(3)); }},
    {"pow 0.5", [](Args x) { return pow(x[0], 0.5); },
     [](Real v) { return std::pow(v, Real(0.5)); }},
    {"pow -1", [](Args x) { return pow(x[0], -1.0); }, [](Real v) { return 1 / v; }},
    {"polynomial",
     [](Args x) {
       return polynomial(x[0], {1, 2, 3});
     },
     [](Real v) { return 1 + v * (2 + v * 3); }},
    {"exp", [](Args x) { return exp(x[0]); }, [](Real v) { return std::exp(v); }},
    {"expm1", [](Args x) { return expm1(x[0]); }, [](Real v) { return std::expm1(v); }},
    {"log", [](Args x) { return log(x[0]); }, [](Real v) { return std::log(v); }},
    {"log1p", [](Args x) { return log1p(x[0]); }, [](Real v) { return std::log1p(v); }},
    {"sqrt", [](Args x) { return sqrt(x[0]); }, [](Real v) { return std::sqrt(v); }},
    {"sin", [](Args x) { return sin(x[0]); }, [](Real v) { return std::sin(v); }},
    {"cos", [](Args x) { return cos(x[0]); }, [](Real v) { return std::cos(v); }},
    {"erf", [](Args x) { return erf(x[0]); }, [](Real v) { return std::erf(v); }},
    {"tanh", [](Args x) { return tanh(x[0]); }, [](Real v) { return std::tanh(v); }},
    {"sigmoid", [](Args x) { return sigmoid(x[0]); }, sigmoid_of},
    {"softplus", [](Args x) { return softplus(x[0]); }, softplus_of},
    {"silu", [](Args x) { return silu(x[0]); }, [](Real v) { return v * sigmoid_of(v); }},
    {"gelu", [](Args x) { return gelu(x[0]); },
     [](Real v) { return Real(0.5) * v * (1 + std::erf(v / Real(std::numbers::sqrt2))); }},
    {"relu", [](Args x) { return relu(x[0]); }, [](Real v) { return v < 0 ? Real(0) : v; }},
    {"leaky_relu", [](Args x) { return leaky_relu(x[0], 0.25); },
     [](Real v) { return v < 0 ? Real(0.25) * v : v; }},
    {"abs", [](Args x) { return abs(x[0]); }, [](Real v) { return std::abs(v); }},
    {"sign", [](Args x) { return sign(x[0]); },
     [](Real v) { return v > 0   ? Real(1)
                         : v < 0 ? Real(-1)
                                 : v; }},
    {"round", [](Args x) { return round(x[0]); }, [](Real v) { return std::nearbyint(v); }},
    {"clamp", [](Args x) { return clamp(x[0], -0.5, 2); },
     [](Real v) { return v < Real(-0.5) ? Real(-0.5)
                         : v > 2        ? Real(2)
                                        : v; }},
    {"stop_gradient", [](Args x) { return stop_gradient(x[0]); }, [](Real v) { return v; }},
};

struct Binary {
  const char* name;
  Var (*f)(Args);
  Real (*exact)(Real, Real);
};

Real unless_nan(Real a, Real b, Real chosen) {
  return std::isnan(a) || std::isnan(b) ? kNan : chosen;
}

const std::vector<Binary> kBinary{
    {"add", [](Args x) { return x[0] + x[1]; }, [](Real a, Real b) { return a + b; }},
    {"subtract", [](Args x) { return x[0] - x[1]; }, [](Real a, Real b) { return a - b; }},
    {"multiply", [](Args x) { return x[0] * x[1]; }, [](Real a, Real b) { return a * b; }},
    {"divide", [](Args x) { return x[0] / x[1]; }, [](Real a, Real b) { return a / b; }},
    {"power", [](Args x) { return pow(x[0], x[1]); },
     [](Real a, Real b) { return std::pow(a, b); }},
    {"minimum", [](Args x) { return minimum(x[0], x[1]); },
     [](Real a, Real b) { return unless_nan(a, b, a < b ? a : b); }},
    {"maximum", [](Args x) { return maximum(x[0], x[1]); },
     [](Real a, Real b) { return unless_nan(a, b, a > b ? a : b); }},
    {"greater", [](Args x) { return greater(x[0], x[1]); },
     [](Real a, Real b) { return Real(a > b); }},
    {"equal", [](Args x) { return equal(x[0], x[1]); },
     [](Real a, Real b) { return Real(a == b); }},
    {"where", [](Args x) { return where(x[0], x[1], full(*x[0].tape, {kLength}, 7)); },
     [](Real a, Real b) { return a != 0 ? b : Real(7); }},
};

}  // namespace

BOOST_AUTO_TEST_CASE(special_values_go_through_every_function_as_ieee_says) {
  for (const Unary& op : kUnary) {
    Workspace ws = compile({{kLength}}, [&](Args x) { return Vars{op.f(x)}; }).workspace();
    for (const Real v : kSpecial) {
      for (const std::size_t at : {std::size_t(1), kLength - 2}) {
        std::ranges::fill(ws.in(0).flat(), Real(0.7));
        ws.in(0)[at] = v;
        ws.run();
        BOOST_TEST(agree(ws.out(0)[at], op.exact(v)), op.name << "(" << v << ") at " << at << " is "
                                                              << ws.out(0)[at] << ", expected "
                                                              << op.exact(v));
        for (std::size_t i = 0; i < kLength; ++i) {
          if (i == at || agree(ws.out(0)[i], op.exact(Real(0.7)))) continue;
          BOOST_ERROR(op.name << ": " << v << " at " << at << " reached element " << i);
          break;
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(special_values_go_through_every_op_on_two_values_as_ieee_says) {
  for (const Binary& op : kBinary) {
    Workspace ws =
        compile({{kLength}, {kLength}}, [&](Args x) { return Vars{op.f(x)}; }).workspace();
    for (const Real a : kSpecial) {
      for (const Real b : kSpecial) {
        for (const std::size_t at : {std::size_t(1), kLength - 2}) {
          std::ranges::fill(ws.in(0).flat(), Real(0.7));
          std::ranges::fill(ws.in(1).flat(), Real(0.3));
          ws.in(0)[at] = a;
          ws.in(1)[at] = b;
          ws.run();
          BOOST_TEST(agree(ws.out(0)[at], op.exact(a, b)),
                     op.name << "(" << a << ", " << b << ") is " << ws.out(0)[at] << ", expected "
                             << op.exact(a, b));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_value_does_not_depend_on_its_place_in_the_array) {
  for (const Unary& op : kUnary) {
    Workspace alone = compile({{1}}, [&](Args x) { return Vars{op.f(x)}; }).workspace();
    Workspace many = compile({{kLength}}, [&](Args x) { return Vars{op.f(x)}; }).workspace();
    Draws draws({5});
    for (int k = 0; k < 100; ++k) {
      const Real v = Real(3 * draws.normal());
      alone.in(0)[0] = v;
      alone.run();
      std::ranges::fill(many.in(0).flat(), v);
      many.run();
      const Real first = alone.out(0)[0];
      const bool equal =
          std::ranges::all_of(many.out(0).flat(), [&](Real r) { return same_bits(r, first); });
      BOOST_TEST(equal, op.name << "(" << v << ")");
    }
  }
}

BOOST_AUTO_TEST_CASE(nan_and_infinity_reach_the_result_of_every_reduction) {
  const auto reduce = [](Var (*f)(Args), std::size_t n, std::size_t at, Real v) {
    Tensor x = filled(n, Real(0.5));
    x[at] = v;
    return evaluate([&](Args in) { return Vars{f(in)}; }, {x})[0][0];
  };
  const auto total = [](Args x) { return sum(x[0]); };
  const auto average = [](Args x) { return mean(x[0]); };
  const auto folded = [](Args x) { return logsumexp(x[0], 0); };
  const auto top = [](Args x) { return max(x[0], 0); };
  const auto last = [](Args x) { return slice(cumsum(x[0], 0), 0, kLength - 1, kLength); };
  for (const std::size_t at : {std::size_t(0), std::size_t(9), kLength - 1}) {
    for (auto f : {+total, +average, +folded, +top, +last}) {
      BOOST_TEST(std::isnan(reduce(f, kLength, at, kNan)));
      BOOST_TEST(reduce(f, kLength, at, kInf) == kInf);
    }
    BOOST_TEST(reduce(total, kLength, at, -kInf) == -kInf);
    BOOST_TEST(reduce(average, kLength, at, -kInf) == -kInf);
    BOOST_TEST(reduce(last, kLength, at, -kInf) == -kInf);
    BOOST_TEST(reduce(top, kLength, at, -kInf) == Real(0.5));
    BOOST_TEST(agree(reduce(folded, kLength, at, -kInf), 0.5 + std::log(36.0)));
  }
  const auto of_two = [&](Var (*f)(Args), Real a, Real b) {
    Tensor x({2});
    x[0] = a;
    x[1] = b;
    return evaluate([&](Args in) { return Vars{f(in)}; }, {x})[0][0];
  };
  BOOST_TEST(of_two(folded, -kInf, -kInf) == -kInf);
  BOOST_TEST(of_two(top, -kInf, -kInf) == -kInf);
  BOOST_TEST(std::isnan(of_two(folded, kInf, kNan)));
  BOOST_TEST(std::isnan(of_two(top, kNan, kInf)));
  BOOST_TEST(std::isnan(of_two(total, kInf, -kInf)));
  BOOST_TEST(agree(of_two(folded, 1000, 1000), 1000 + std::numbers::ln2));
  BOOST_TEST(agree(of_two(folded, -1000, -1000), -1000 + std::numbers::ln2));
}

BOOST_AUTO_TEST_CASE(nan_fills_its_row_of_a_product_and_no_other) {
  struct Size {
    std::size_t n, k, m;
  };
  for (const auto& [n, k, m] : {Size{4, 5, 3}, {4, 5, 1}, {4, 1, 3}, {2, 300, 3}, {20, 40, 30}}) {
    for (const bool with_bias : {false, true}) {
      Tensor x({n, k}), w({k, m}), b({m});
      x[k - 1] = kNan;  // row 0; the weights are zeros, and 0 NaN is NaN
      const auto f = [&](Args in) {
        return Vars{with_bias ? affine(in[0], in[1], in[2]) : matmul(in[0], in[1])};
      };
      const Tensor y = evaluate(f, {x, w, b})[0];
      for (std::size_t i = 0; i < n * m; ++i) BOOST_TEST(std::isnan(y[i]) == (i < m));
    }
  }
}
