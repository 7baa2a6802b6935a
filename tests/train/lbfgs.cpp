#include "train/lbfgs.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "autodiff/ops.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;
using Stop = LbfgsResult::Stop;

namespace {

constexpr bool kSingle = sizeof(Real) == 4;

// Moré, Garbow & Hillstrom 1981, problem 21; problem 1 in two dimensions. The minimum is 0 at 1.
double rosenbrock(std::span<const Real> p, std::span<Real> g) {
  double value = 0;
  for (std::size_t i = 0; i < p.size(); i += 2) {
    const double x = p[i], y = p[i + 1], off = y - x * x;
    g[i] = Real(-400 * x * off - 2 * (1 - x));
    g[i + 1] = Real(200 * off);
    value += 100 * off * off + (1 - x) * (1 - x);
  }
  return value;
}

std::vector<Real> standard_start(std::size_t d) {
  std::vector<Real> x(d, 1);
  for (std::size_t i = 0; i < d; i += 2) x[i] = Real(-1.2);
  return x;
}

void check_at(const std::vector<Real>& x, double minimum, double tolerance) {
  for (const Real v : x) BOOST_TEST(std::abs(v - minimum) < tolerance);
}

}  // namespace

BOOST_AUTO_TEST_CASE(lbfgs_goes_down_rosenbrocks_valley) {
  for (const std::size_t d : {2, 20}) {
    std::vector<Real> x = standard_start(d);
    // In f32 the last digit of x alone makes slopes of 1e-4.
    const LbfgsResult r = lbfgs(x, rosenbrock, {.gradient_tolerance = kSingle ? 1e-3 : 1e-8});
    BOOST_TEST((r.stop == Stop::gradient));
    BOOST_TEST(r.evaluations < 70);
    BOOST_TEST(r.iterations < r.evaluations);
    check_at(x, 1, kSingle ? 2e-3 : 1e-8);
    std::vector<Real> g(d);
    BOOST_TEST(r.value == rosenbrock(x, g));
    BOOST_TEST(r.gradient_norm ==
               std::abs(*std::ranges::max_element(g, {}, [](Real v) { return std::abs(v); })));
  }
}

BOOST_AUTO_TEST_CASE(with_exact_searches_a_quadratic_takes_as_many_steps_as_it_has_dimensions) {
  constexpr std::size_t d = 10;  // curvatures from 1 to 1e4
  const ValueAndGradient f = [](std::span<const Real> x, std::span<Real> g) {
    double value = 0;
    for (std::size_t i = 0; i < d; ++i) {
      const double curvature = std::pow(1e4, double(i) / (d - 1)), off = double(x[i]) - 3;
      g[i] = Real(curvature * off);
      value += 0.5 * curvature * off * off;
    }
    return value;
  };
  std::vector<Real> x(d);
  // In f32 the last digit of x alone makes slopes of 1e4 3e-7.
  const LbfgsResult r =
      lbfgs(x, f, {.gradient_tolerance = kSingle ? 1e-2 : 1e-6, .history = d, .curvature = 1e-3});
  BOOST_TEST((r.stop == Stop::gradient));
  BOOST_TEST(r.iterations <= d + 2);
  check_at(x, 3, kSingle ? 1e-2 : 1e-6);
}

BOOST_AUTO_TEST_CASE(a_start_far_away_is_no_obstacle) {
  std::vector<Real> x{-30, 50};
  const LbfgsResult r = lbfgs(x, rosenbrock, {.gradient_tolerance = kSingle ? 1e-3 : 1e-8});
  BOOST_TEST((r.stop == Stop::gradient));
  check_at(x, 1, kSingle ? 2e-3 : 1e-8);
}

BOOST_AUTO_TEST_CASE(steps_out_of_the_domain_are_taken_back) {
  bool left = false;
  // -log(1 - x^2) - 20 x
  const ValueAndGradient barrier = [&](std::span<const Real> p, std::span<Real> g) {
    const double x = p[0];
    left |= std::abs(x) >= 1;
    g[0] = Real(2 * x / (1 - x * x) - 20);
    return -std::log(1 - x * x) - 20 * x;
  };
  std::vector<Real> x{0};
  BOOST_TEST((lbfgs(x, barrier, {.gradient_tolerance = 1e-3}).stop == Stop::gradient));
  BOOST_TEST(left);
  check_at(x, (std::sqrt(401) - 1) / 20, 1e-5);
}

BOOST_AUTO_TEST_CASE(a_slope_without_end_is_followed_as_far_as_told) {
  const ValueAndGradient slope = [](std::span<const Real> x, std::span<Real> g) {
    g[0] = -1;
    return -double(x[0]);
  };
  std::vector<Real> x{0};
  const LbfgsResult r = lbfgs(x, slope, {.iterations = 1});
  BOOST_TEST((r.stop == Stop::iterations));
  BOOST_TEST(r.iterations == 1);
  BOOST_TEST(r.value == -x[0]);
  BOOST_TEST(x[0] > 1e10);
  // From there steps of any length to try are below the last digit of x.
  const Real end = x[0];
  BOOST_TEST((lbfgs(x, slope).stop == Stop::stuck));
  BOOST_TEST(x[0] == end);

  std::vector<Real> at_rest{5};
  const LbfgsResult none = lbfgs(at_rest, slope, {.iterations = 0});
  BOOST_TEST(none.evaluations == 1);
  BOOST_TEST(none.value == -5);
  BOOST_TEST(at_rest[0] == 5);
}

BOOST_AUTO_TEST_CASE(a_gradient_of_the_wrong_sign_moves_nothing) {
  const ValueAndGradient wrong = [](std::span<const Real> x, std::span<Real> g) {
    g[0] = -2 * x[0];
    return double(x[0]) * double(x[0]);
  };
  std::vector<Real> x{3};
  const LbfgsResult r = lbfgs(x, wrong);
  BOOST_TEST((r.stop == Stop::stuck));
  BOOST_TEST(r.value == 9);
  BOOST_TEST(x[0] == 3);
}

// Near the minimum the value has the last digit of 6, which hides steps of the square root of it.
BOOST_AUTO_TEST_CASE(values_that_differ_by_rounding_do_not_end_the_descent) {
  // sum of c (exp(x) - c x) with c = 0.1 + sqrt(i): the minimum is at log c
  const auto c = [](std::size_t i) { return 0.1 + std::sqrt(double(i + 1)); };
  const ValueAndGradient f = [&](std::span<const Real> x, std::span<Real> g) {
    double value = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      value += c(i) * (std::exp(double(x[i])) - c(i) * x[i]);
      g[i] = Real(c(i) * (std::exp(double(x[i])) - c(i)));
    }
    return double(Real(value));
  };
  std::vector<Real> x(6);
  const LbfgsResult r = lbfgs(x, f, {.gradient_tolerance = 0});
  BOOST_TEST((r.stop != Stop::iterations));
  // What the last digit of x makes of the gradient, c exp(x) = c^2 < 7 times; without slopes it
  // would be 4e-4 and 2e-12.
  BOOST_TEST(r.gradient_norm < 14 * std::numeric_limits<Real>::epsilon());
}

BOOST_AUTO_TEST_CASE(lbfgs_refuses_what_makes_no_sense) {
  const auto refused = [](const LbfgsOptions& options, const std::string& message) {
    std::vector<Real> x = standard_start(2);
    BOOST_CHECK_EXCEPTION(lbfgs(x, rosenbrock, options), std::invalid_argument,
                          [&](const auto& e) { return e.what() == message; });
  };
  refused({.gradient_tolerance = -1},
          "lbfgs: gradient_tolerance -1; need a finite number of at least 0");
  refused({.history = 0}, "lbfgs: history 0; need at least 1");
  const std::string order = "; need 0 < decrease < curvature < 1";
  refused({.decrease = 0}, "lbfgs: decrease 0, curvature 0.9" + order);
  refused({.decrease = 0.5, .curvature = 0.4}, "lbfgs: decrease 0.5, curvature 0.4" + order);
  refused({.curvature = 1}, "lbfgs: decrease 0.0001, curvature 1" + order);

  std::vector<Real> x{std::numeric_limits<Real>::infinity(), 1};
  BOOST_CHECK_EXCEPTION(lbfgs(x, rosenbrock), std::invalid_argument, [](const auto& e) {
    return std::string(e.what()) == "lbfgs: the value or the gradient at the start is not finite";
  });
}
