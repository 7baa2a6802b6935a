#include "mcmc/baoab.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

Energy harmonic(double s) {
  return [=](ad::Var x) { return sum(square(x), 1) / (2 * s * s); };
}

/// Mean square and the mean product with another array, each with its standard error.
struct Moments {
  double square = 0, square_error = 0, product = 0, product_error = 0;
};
Moments moments(std::span<const Real> x, std::span<const Real> p) {
  const double n = double(x.size());
  double square = 0, fourth = 0, product = 0, products = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double a = double(x[k]) * double(x[k]), b = double(x[k]) * double(p[k]);
    square += a / n;
    fourth += a * a / n;
    product += b / n;
    products += b * b / n;
  }
  return {square, std::sqrt((fourth - square * square) / n), product, std::sqrt(products / n)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(baoab)

BOOST_AUTO_TEST_CASE(a_gaussian_keeps_its_exact_positions_at_any_stable_step) {
  // Leimkuhler & Matthews 2013: x ~ N(0, s^2) and p ~ N(0, 1 - h^2 / (4 s^2)) stay, independent.
  const double s = 1.4;
  const std::size_t n = 60000;
  for (const double h : {0.3, 1.4, 2.6}) {
    for (const double friction : {0.0, 0.5, 20.0}) {
      const Baoab kernel(harmonic(s), 1, {.step_size = h, .friction = friction});
      ad::Tensor x0 = ad::normal({n, 1}, {.seed = 1});
      for (Real& v : x0.flat()) v *= Real(s);
      auto state = kernel.init(x0);
      const double variance = 1 - h * h / (4 * s * s);
      state.momentum = ad::normal({n, 1}, {.seed = 2});
      for (Real& v : state.momentum.flat()) v *= Real(std::sqrt(variance));
      state.at_rest = false;
      for (std::uint32_t t = 0; t < 7; ++t) kernel.step(state, {{.seed = 3}, t});
      BOOST_TEST_CONTEXT("step " << h << ", friction " << friction) {
        const Moments x = moments(state.position.flat(), state.momentum.flat()),
                      p = moments(state.momentum.flat(), state.position.flat());
        BOOST_TEST(std::abs(x.square - s * s) < 4 * x.square_error);
        BOOST_TEST(std::abs(p.square - variance) < 4 * p.square_error);
        BOOST_TEST(std::abs(x.product) < 4 * x.product_error);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_bias_is_of_second_order) {
  // E sin 3x of U = x^2 / 2 + 0.6 sin 3x, against quadrature. The transfer operator on a grid has a
  // bias of 0.0118 at h = 1/3 and 0.0026 at h = 1/6.
  const Energy wavy = [](ad::Var x) { return sum(0.5 * square(x) + 0.6 * sin(3 * x), 1); };
  double mass = 0, exact = 0;
  for (double x = -8; x < 8; x += 0.001) {
    const double p = std::exp(-x * x / 2 - 0.6 * std::sin(3 * x));
    mass += p;
    exact += p * std::sin(3 * x);
  }
  exact /= mass;
  const auto bias = [&](std::uint32_t per_unit) {  // steps per unit of time
    const auto result = run(Baoab(wavy, 1, {.step_size = 1.0 / per_unit, .friction = 1}),
                            ad::normal({30000, 1}, {.seed = 4}),
                            {.steps = 200 * per_unit, .warmup = 20 * per_unit, .thin = per_unit});
    double mean = 0;
    for (const double x : result.draws.flat()) mean += std::sin(3 * x);
    return mean / double(result.draws.size()) - exact;
  };
  const double coarse = bias(3), fine = bias(6);
  BOOST_TEST_MESSAGE("bias of E sin 3x: " << coarse << " at h = 1/3, " << fine << " at h = 1/6");
  BOOST_TEST(coarse / fine > 2.5);
  BOOST_TEST(coarse / fine < 7);
}

BOOST_AUTO_TEST_CASE(momenta_are_drawn_once_and_kept) {
  const Baoab kernel(harmonic(1), 2, {.step_size = std::numbers::pi / 32, .friction = 0});
  const ad::Tensor x0 = ad::normal({500, 2}, {.seed = 5});
  auto s = kernel.init(x0);
  BOOST_TEST(s.at_rest);
  kernel.step(s, {{.seed = 6}});
  BOOST_TEST(!s.at_rest);
  const Moments p = moments(s.momentum.flat(), x0.flat());
  BOOST_TEST(std::abs(p.square - 1) < 4 * p.square_error + 0.01);
  // Without friction a whole turn of length 2 pi leads back, but for the error of the step.
  for (std::uint32_t t = 1; t < 64; ++t) {
    kernel.step(s, {{.seed = 6}, t});
    if (t == 30) kernel.refresh(s);  // changes nothing
  }
  double furthest = 0;
  for (std::size_t k = 0; k < x0.size(); ++k) {
    furthest = std::max(furthest, std::abs(double(s.position[k]) - double(x0[k])));
  }
  BOOST_TEST(furthest < 0.02);
}

BOOST_AUTO_TEST_CASE(a_chain_that_explodes_is_named_with_the_step) {
  const auto diverge = [] {
    run(Baoab(harmonic(0.01), 1, {.step_size = 1}), ad::normal({70, 1}, {.seed = 7}),
        {.steps = 1000, .block = 64});
  };
  BOOST_CHECK_EXCEPTION(diverge(), ad::NonFinite, [](const ad::NonFinite& e) {
    BOOST_TEST_MESSAGE(e.what());
    const std::string text = e.what();
    return text.find(": Baoab: the position is no longer finite: ") != text.npos &&
           text.ends_with("; lower the step size or bound the chain");
  });
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  BOOST_CHECK_THROW(Baoab(harmonic(1), 1, {.step_size = 0}), std::invalid_argument);
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL}) {
    BOOST_CHECK_EXCEPTION(Baoab(harmonic(1), 1, {.friction = bad}), std::invalid_argument,
                          [](const std::invalid_argument& e) {
                            return std::string(e.what()).starts_with("Baoab: friction ");
                          });
  }
}

BOOST_AUTO_TEST_SUITE_END()
