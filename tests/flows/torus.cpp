#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"
#include "flows/check.hpp"
#include "flows/neural_spline.hpp"
#include "flows/uniform.hpp"
#include "tests/flows/cases.hpp"

using namespace eqp;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;
constexpr double kBound = 2;

struct Torus {
  ad::Params params;
  flows::Flow flow =
      flows::neural_spline(params, "flow", 2,
                           {.blocks = 2,
                            .hidden = {8},
                            .spline = {.bins = 5, .bound = kBound, .tails = flows::Tails::circular},
                            .mixing = flows::Mixing::shuffle,
                            .activation = ad::tanh},
                           {1, 0});
  Torus() { flows::test::randomise(params, 0.7); }

  std::vector<ad::Tensor> forward(const ad::Tensor& z) const {
    return ad::evaluate(
        [&](auto in) {
          const auto y = flow.forward(in[0]);
          const auto back = flow.inverse(y.y);
          return ad::Vars{y.y, y.log_det, back.y, back.log_det, flow.log_prob(in[0])};
        },
        {z});
  }
};

// Of two points on a circle of circumference 2 kBound.
double distance(double a, double b) {
  const double d = std::remainder(a - b, 2 * kBound);
  return std::abs(d);
}

// A circle whose inverse comes back `off` from where it was.
class Turned : public flows::Bijection {
 public:
  explicit Turned(double off) : Bijection("turned", 1), off_(off) {}
  double period() const override { return 2 * kBound; }

 private:
  flows::Mapped push(ad::Var z, ad::Var) const override {
    return {z, ad::full(*z.tape, {z.shape()[0]}, 0)};
  }
  flows::Mapped pull(ad::Var x, ad::Var) const override {
    return {x + off_, ad::full(*x.tape, {x.shape()[0]}, 0)};
  }

  double off_;
};

ad::Tensor points(std::size_t n) {
  ad::Tensor x = ad::uniform({n, 2}, {2, 0});
  for (Real& v : x.flat()) v = Real(kBound) * (2 * v - 1);
  return x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(torus)

BOOST_AUTO_TEST_CASE(the_map_is_a_bijection_of_the_torus) {
  const Torus torus;
  const ad::Tensor z = points(300);
  const auto out = torus.forward(z);
  double moved = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    BOOST_TEST(std::abs(double(out[0][i])) <= kBound * (1 + 1e-6));
    BOOST_TEST(distance(double(out[2][i]), double(z[i])) < (kDouble ? 1e-10 : 1e-4));
    moved = std::max(moved, distance(double(out[0][i]), double(z[i])));
  }
  for (std::size_t i = 0; i < 300; ++i) {
    BOOST_TEST(std::abs(double(out[1][i] + out[3][i])) < (kDouble ? 1e-9 : 1e-3));
  }
  BOOST_TEST(moved > 0.5);
}

BOOST_AUTO_TEST_CASE(it_is_the_same_a_turn_further_and_has_no_seam) {
  const Torus torus;
  ad::Tensor z = points(50), turned = z, left({50, 2}), right({50, 2});
  constexpr double h = kDouble ? 1e-9 : 1e-5;
  for (std::size_t i = 0; i < 50; ++i) {
    turned(i, 0) += Real(2 * kBound);
    turned(i, 1) -= Real(4 * kBound);
    left(i, 0) = Real(kBound - h), right(i, 0) = Real(-kBound + h);
    left(i, 1) = right(i, 1) = z(i, 1);
  }
  const auto here = torus.forward(z), there = torus.forward(turned);
  const auto before = torus.forward(left), after = torus.forward(right);
  for (std::size_t i = 0; i < 100; ++i) {
    BOOST_TEST(distance(double(here[0][i]), double(there[0][i])) < (kDouble ? 1e-11 : 1e-4));
    BOOST_TEST(distance(double(before[0][i]), double(after[0][i])) < (kDouble ? 1e-6 : 2e-3));
  }
  for (std::size_t i = 0; i < 50; ++i) {
    BOOST_TEST(std::abs(double(before[4][i] - after[4][i])) < (kDouble ? 1e-5 : 1e-2));
  }
}

BOOST_AUTO_TEST_CASE(the_density_integrates_to_one_over_the_torus) {
  const Torus torus;
  constexpr std::size_t n = 300;
  ad::Tensor grid({n * n, 2});
  for (std::size_t i = 0; i < n * n; ++i) {
    grid(i, 0) = Real(kBound * (2 * (double(i / n) + 0.5) / n - 1));
    grid(i, 1) = Real(kBound * (2 * (double(i % n) + 0.5) / n - 1));
  }
  const auto log_prob =
      ad::evaluate([&](auto in) { return ad::Vars{torus.flow.log_prob(in[0])}; }, {grid})[0];
  double mass = 0, least = 1e9, most = 0;
  for (const Real l : log_prob.flat()) {
    const double p = std::exp(double(l));
    mass += p * 4 * kBound * kBound / double(n * n);
    least = std::min(least, p), most = std::max(most, p);
  }
  BOOST_TEST(std::abs(mass - 1) < 1e-3);
  BOOST_TEST(most > 2 * least);
}

BOOST_AUTO_TEST_CASE(the_check_knows_the_torus) {
  const Torus torus;
  const flows::Check result = flows::check(torus.flow);
  BOOST_TEST(result.flow.round_trip < (kDouble ? 1e-9 : 1e-3));
  BOOST_TEST(result.flow.log_det < (kDouble ? 1e-9 : 1e-2));
}

BOOST_AUTO_TEST_CASE(the_check_takes_whole_turns_only_for_the_same_point) {
  const auto check = [](double off) {
    const auto circle = std::make_shared<flows::UniformBox>(
        std::vector<double>{-kBound}, std::vector<double>{kBound}, flows::Outside::periodic);
    return flows::check(flows::Flow(circle, {std::make_shared<Turned>(off)}));
  };
  for (const double turns : {1, -2}) {
    const flows::Check result = check(2 * kBound * turns);
    BOOST_TEST(result.layers[0].round_trip < (kDouble ? 1e-14 : 1e-5));
    BOOST_TEST(result.flow.round_trip < (kDouble ? 1e-14 : 1e-5));
  }
  for (const double off : {0.01, kBound / 2, kBound}) {
    // Relative to 1 + |z|, and of 64 points some are near 0.
    BOOST_TEST(check(off).layers[0].round_trip > 0.8 * off);
    BOOST_TEST(check(off).flow.round_trip > 0.8 * off);
  }
}

BOOST_AUTO_TEST_CASE(linear_layers_on_a_torus_are_refused) {
  ad::Params params;
  BOOST_CHECK_THROW(
      flows::neural_spline(
          params, "flow", 2,
          {.spline = {.tails = flows::Tails::circular}, .mixing = flows::Mixing::lu}, ad::Key{}),
      std::invalid_argument);
  BOOST_CHECK_THROW(flows::circular_spline({}), std::invalid_argument);
  BOOST_CHECK_THROW(
      flows::maf(params, "maf", 2,
                 {.family = flows::circular_spline({.tails = flows::Tails::circular})}, ad::Key{}),
      std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
