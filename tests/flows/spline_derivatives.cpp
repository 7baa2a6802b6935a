#include <algorithm>
#include <cmath>

#include "autodiff/grad.hpp"
#include "tests/flows/splines.hpp"

// Derivatives of splines against central differences, in f64.
using namespace eqp;
using namespace eqp::flows::test;
using flows::Monotone;
using flows::SplineOptions;

namespace {

// Of (y, log slope) in one direction: an arbitrary function of all results.
ad::Var mixture(const Monotone::Value& v) {
  return sum(sin(v.y) + square(v.log_slope) + v.y * v.log_slope);
}

// One number of the gradient of f by its two arguments.
ad::Function gradient_of(const ad::Function& f) {
  return [f](std::span<const ad::Var> v) {
    const ad::Vars g = ad::grad(f(v)[0], {v[0], v[1]});
    return ad::Vars{sum(sin(g[0])) + sum(sin(g[1]))};
  };
}

// The largest deviation of the gradient of f from central differences.
double against_differences(const ad::Function& f, const std::vector<ad::Tensor>& at) {
  constexpr double h = 5e-6;
  const auto gradient = ad::evaluate(
      [&](std::span<const ad::Var> in) {
        const ad::Var y = f(in)[0];
        ad::Vars g;
        for (const ad::Var x : in) g.push_back(ad::grad(y, x));
        return g;
      },
      at);
  double largest = 0;
  for (std::size_t k = 0; k < at.size(); ++k) {
    for (std::size_t i = 0; i < at[k].size(); ++i) {
      const auto moved = [&](double by) {
        std::vector<ad::Tensor> to = at;
        to[k][i] += Real(by);
        return double(ad::evaluate(f, to)[0][0]);
      };
      // Of fourth order in h.
      const double slope = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
      largest = std::max(largest, std::abs(slope - double(gradient[k][i])) / (1 + std::abs(slope)));
    }
  }
  return largest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spline_derivatives)

BOOST_AUTO_TEST_CASE(derivatives_of_first_and_second_order_agree_with_differences) {
  if (!kDouble) return;
  for_each_setting([](const SplineOptions& o, const Monotone& map) {
    const Inputs in(o, map, 7);
    for (const Direction apply : {&Monotone::forward, &Monotone::inverse}) {
      const ad::Function first = [&](std::span<const ad::Var> v) {
        return ad::Vars{mixture((map.*apply)(v[0], v[1]))};
      };
      BOOST_TEST(against_differences(first, {in.x, in.raw}) < 1e-7);
      BOOST_TEST(against_differences(gradient_of(first), {in.x, in.raw}) < 1e-6);
    }
  });
}

BOOST_AUTO_TEST_CASE(derivatives_of_third_order_agree_with_differences) {
  if (!kDouble) return;
  const SplineOptions o{.bins = 2, .bound = 1.5};
  const auto map = flows::rational_quadratic(o);
  const Inputs in(o, *map, 4);
  for (const Direction apply : {&Monotone::forward, &Monotone::inverse}) {
    const ad::Function first = [&](std::span<const ad::Var> v) {
      return ad::Vars{mixture(((*map).*apply)(v[0], v[1]))};
    };
    BOOST_TEST(against_differences(gradient_of(gradient_of(first)), {in.x, in.raw}) < 1e-5);
  }
}

// As an autoregressive map's do: what raw depends on x by must count once, at every order.
BOOST_AUTO_TEST_CASE(parameters_may_depend_on_the_coordinates) {
  if (!kDouble) return;
  for_each_setting([](const SplineOptions& o, const Monotone& map) {
    const Inputs in(o, map, 7);
    const ad::Tensor weight = ad::normal({map.n_params(), 1}, {4, 0});
    for (const Direction apply : {&Monotone::forward, &Monotone::inverse}) {
      const ad::Function first = [&](std::span<const ad::Var> v) {
        const ad::Var x = v[0], as_row = reshape(x, {1, x.shape()[0]});
        return ad::Vars{mixture((map.*apply)(x, sin(v[1] * as_row)))};
      };
      BOOST_TEST(against_differences(first, {in.x, weight}) < 1e-7);
      BOOST_TEST(against_differences(gradient_of(first), {in.x, weight}) < 1e-6);
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
