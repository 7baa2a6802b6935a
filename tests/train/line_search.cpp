#include "train/line_search.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using namespace eqp::train;

namespace {

using Line = std::function<LinePoint(double step)>;

// Moré & Thuente 1994, equations 5.1, 5.2 and 5.4 (with beta_1 = 0.01, beta_2 = 0.001).
LinePoint bounded_below(double a) {
  return {a, -a / (a * a + 2), (a * a - 2) / ((a * a + 2) * (a * a + 2))};
}
LinePoint concave_first(double a) {
  const double b = a + 0.004;
  return {a, std::pow(b, 5) - 2 * std::pow(b, 4), 5 * std::pow(b, 4) - 8 * std::pow(b, 3)};
}
LinePoint two_kinks(double a) {
  const auto gamma = [](double b) { return std::sqrt(1 + b * b) - b; };
  const double left = std::hypot(1 - a, 0.001), right = std::hypot(a, 0.01);
  return {a, gamma(0.01) * left + gamma(0.001) * right,
          gamma(0.01) * (a - 1) / left + gamma(0.001) * a / right};
}

struct Search {
  LinePoint end;
  std::vector<double> steps;
};
Search search(const Line& line, double first_step, const WolfeOptions& options = {}) {
  Search s;
  s.end = strong_wolfe(
      [&](double step) {
        s.steps.push_back(step);
        return line(step);
      },
      line(0), first_step, options);
  return s;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_search_ends_where_the_wolfe_conditions_hold) {
  const WolfeOptions options{.decrease = 1e-3, .curvature = 0.1};
  for (const Line& line : {Line(bounded_below), Line(concave_first), Line(two_kinks)}) {
    const LinePoint start = line(0);
    for (const double first : {1e-3, 1e-1, 1e1, 1e3}) {
      const auto [end, steps] = search(line, first, options);
      BOOST_TEST_CONTEXT("first step " << first << ", last " << end.step) {
        BOOST_TEST(end.step == steps.back());
        BOOST_TEST(end.value == line(end.step).value);
        BOOST_TEST(end.value <= start.value + 1e-3 * end.step * start.slope);
        BOOST_TEST(std::abs(end.slope) <= -0.1 * start.slope);
        BOOST_TEST(steps.size() <= 15);  // the paper needs up to 12 on these
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_first_step_that_is_good_is_taken) {
  const Line parabola = [](double a) { return LinePoint{a, (a - 1) * (a - 1), 2 * (a - 1)}; };
  BOOST_TEST(search(parabola, 0.9).end.step == 0.9);
  // And the next one is exact where a cubic is.
  const auto [end, steps] = search(parabola, 1.99);
  BOOST_TEST(steps.size() == 2);
  BOOST_TEST(std::abs(end.step - 1) < 1e-12);
}

BOOST_AUTO_TEST_CASE(points_that_are_not_finite_are_too_far) {
  // -a - log(1 - a) / 10, whose minimum is at 0.9
  const Line barrier = [](double a) {
    return LinePoint{a, -a - 0.1 * std::log(1 - a), -1 + 0.1 / (1 - a)};
  };
  const auto [end, steps] = search(barrier, 1e3, {.curvature = 0.1});
  BOOST_TEST(steps[1] == 100);
  BOOST_TEST(std::abs(end.step - 0.9) < 0.02);
  // A slope that is not finite is as bad as a value.
  const Line cliff = [](double a) { return LinePoint{a, -a, a < 5 ? a - 1 : std::nan("")}; };
  BOOST_TEST(search(cliff, 10).end.step == 1);
}

BOOST_AUTO_TEST_CASE(a_search_without_success_ends_at_the_lowest_point) {
  const Line wrong_slope = [](double a) { return LinePoint{a, a, -1}; };
  const auto [stay, tried] = search(wrong_slope, 1, {.points = 7});
  BOOST_TEST(stay.step == 0);
  BOOST_TEST(tried.size() == 7);
  const Line endless = [](double a) { return LinePoint{a, -a, -1}; };
  BOOST_TEST(search(endless, 1, {.points = 4}).end.step == 1000);
}

BOOST_AUTO_TEST_CASE(where_values_are_rounding_slopes_decide) {
  const Line flat = [](double a) { return LinePoint{a, a > 0 ? 1 + 1e-15 : 1, 1e-12 * (a - 1)}; };
  BOOST_TEST(search(flat, 1).end.step == 0);
  BOOST_TEST(search(flat, 1, {.rounding = 2e-15}).end.step == 1);
}
