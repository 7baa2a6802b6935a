#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

Tensor vector_of(const std::vector<Real>& values) {
  Tensor t({values.size()});
  std::ranges::copy(values, t.flat().begin());
  return t;
}

Real value(Var (*f)(Args), double x) {
  return evaluate([&](Args in) { return Vars{f(in)}; }, {vector_of({Real(x)})})[0][0];
}

bool agree(double a, double b) {
  return std::abs(a - b) <= 16 * double(std::numeric_limits<Real>::epsilon()) * std::abs(b);
}

// The gradient of sum(f) at each element of x.
std::vector<Real> slope(Var (*f)(Args), const std::vector<Real>& x) {
  const Tensor g = evaluate([&](Args in) { return Vars{grad(f(in), in[0])}; }, {vector_of(x)})[0];
  return {g.flat().begin(), g.flat().end()};
}

void check_slope(Var (*f)(Args), const std::vector<Real>& x, const std::vector<Real>& expected) {
  const std::vector<Real> g = slope(f, x);
  BOOST_CHECK_EQUAL_COLLECTIONS(g.begin(), g.end(), expected.begin(), expected.end());
}

}  // namespace

BOOST_AUTO_TEST_CASE(stable_functions_keep_their_digits_far_out) {
  const auto soft = [](Args x) { return softplus(x[0]); };
  const auto logistic = [](Args x) { return sigmoid(x[0]); };
  BOOST_TEST(value(soft, 800) == 800);
  BOOST_TEST(value(soft, -800) == 0);
  BOOST_TEST(agree(value(soft, -30), std::log1p(std::exp(-30.0))));
  BOOST_TEST(value(logistic, 800) == 1);
  BOOST_TEST(value(logistic, -800) == 0);
  BOOST_TEST(agree(value(logistic, -30), 1 / (1 + std::exp(30.0))));
  const Real small = Real(1e-10);
  BOOST_TEST(agree(value([](Args x) { return log1p(x[0]); }, small), std::log1p(double(small))));
  BOOST_TEST(agree(value([](Args x) { return expm1(x[0]); }, small), std::expm1(double(small))));
  const Real subnormal = std::numeric_limits<Real>::min() / 8;
  BOOST_TEST(agree(value([](Args x) { return log(x[0]); }, subnormal), std::log(subnormal)));
  check_slope(soft, {800, -800}, {1, 0});
  check_slope(logistic, {800, -800}, {0, 0});
  check_slope([](Args x) { return silu(x[0]); }, {800, -800}, {1, 0});
  // The weights come from exp(x - out), and out is rounded at 1000.
  const Real weight = slope([](Args x) { return logsumexp(x[0], 0); }, {1000, 1000})[0];
  BOOST_TEST(std::abs(weight - 0.5) <= 500 * std::numeric_limits<Real>::epsilon());
}

BOOST_AUTO_TEST_CASE(derivatives_at_kinks_and_ties_are_the_documented_ones) {
  check_slope([](Args x) { return abs(x[0]); }, {-2, 0, 2}, {-1, 0, 1});
  check_slope([](Args x) { return relu(x[0]); }, {-2, 0, 2}, {0, 0, 1});
  check_slope([](Args x) { return leaky_relu(x[0], 0.25); }, {-2, 0, 2}, {0.25, 1, 1});
  check_slope([](Args x) { return clamp(x[0], -1, 2); }, {-3, -1, 0, 2, 3}, {0, 1, 1, 1, 0});
  check_slope([](Args x) { return sign(x[0]); }, {-2, 0, 2}, {0, 0, 0});
  check_slope([](Args x) { return round(x[0]); }, {-1.5, 0.2, 2}, {0, 0, 0});
  check_slope([](Args x) { return minimum(x[0], full(*x[0].tape, {}, 2)); }, {1, 2, 3},
              {1, 0.5, 0});
  check_slope([](Args x) { return minimum(full(*x[0].tape, {}, 2), x[0]); }, {1, 2, 3},
              {1, 0.5, 0});
  check_slope([](Args x) { return maximum(x[0], full(*x[0].tape, {}, 2)); }, {1, 2, 3},
              {0, 0.5, 1});
  check_slope([](Args x) { return maximum(full(*x[0].tape, {}, 2), x[0]); }, {1, 2, 3},
              {0, 0.5, 1});
  check_slope([](Args x) { return max(x[0], 0); }, {1, 4, 4, 2, 4, 4},
              {0, 0.25, 0.25, 0, 0.25, 0.25});
  // d(0^b) = 0 for b > 0 in both places.
  check_slope([](Args x) { return pow(x[0], full(*x[0].tape, {}, 3)); }, {0}, {0});
  check_slope([](Args x) { return pow(full(*x[0].tape, {}, 0), x[0]); }, {3, 0.5}, {0, 0});
}

BOOST_AUTO_TEST_CASE(an_infinite_gradient_stays_on_the_side_taken) {
  // The cotangent of the root of 0 is infinite; times a mask of 0 it would be NaN.
  const auto root_of_zero = [](Args x) {
    Tape& tape = *x[0].tape;
    return sqrt(where(full(tape, {}, 1), full(tape, {}, 0), x[0]));
  };
  check_slope(root_of_zero, {-1, 4}, {0, 0});
}
