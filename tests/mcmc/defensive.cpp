#include "mcmc/defensive.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "mcmc/importance.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// log N(x; m, s^2), one coordinate.
double log_normal(double x, double m, double s) {
  return -0.5 * (x - m) * (x - m) / (s * s) - std::log(s * std::sqrt(2 * std::numbers::pi));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(defensive)

BOOST_AUTO_TEST_CASE(the_density_is_that_of_the_draws_and_of_the_formula) {
  const double alpha = 0.3;
  const Proposal mixture = defensive_mixture(gaussian_proposal({2}, {0.5}),
                                             gaussian_proposal({-1}, {3}), {.alpha = alpha});
  BOOST_TEST(mixture.noise_dim == 2u);
  const std::size_t n = 50000;
  const auto out = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        const auto [x, log_q] = mixture.sample(in[0]);
        return {x, log_q, mixture.log_prob(x)};
      },
      {ad::normal({n, 2}, {.seed = 1})});
  double mean = 0, square = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = out[0][i];
    const double exact = std::log((1 - alpha) * std::exp(log_normal(x, 2, 0.5)) +
                                  alpha * std::exp(log_normal(x, -1, 3)));
    if (i < 200) {
      const auto near = boost::test_tools::tolerance(sizeof(Real) == 4 ? 1e-4 : 1e-11);
      BOOST_TEST(double(out[1][i]) == exact, near);
      BOOST_TEST(double(out[2][i]) == exact, near);
    }
    mean += x / double(n);
    square += x * x / double(n);
  }
  const double expected = (1 - alpha) * 2 + alpha * -1,
               squared = (1 - alpha) * (4 + 0.25) + alpha * (1 + 9);
  BOOST_TEST(std::abs(mean - expected) < 4 * std::sqrt((squared - expected * expected) / n));
  BOOST_TEST(std::abs(square - squared) < 0.2);
}

BOOST_AUTO_TEST_CASE(a_mode_that_a_proposal_left_out_is_found_again) {
  // 0.6 N(-3, 1) + 0.4 N(3, 1), of which the proposal knows the left.
  const Target target =
      isotropic_mixture({.weights = {0.6, 0.4}, .means = {{-3}, {3}}, .variances = {1, 1}});
  const Proposal left = gaussian_proposal({-3}, {1}), broad = gaussian_proposal({0}, {5});
  const Proposal both = defensive_mixture(left, broad);
  ad::Tensor x0({400, 1});
  std::ranges::fill(x0.flat(), Real(-3));
  const auto right = [&](const auto& kernel) {
    const ad::Tensor last = run(kernel, x0, {.steps = 600, .key = {.seed = 2}}).last;
    return double(std::ranges::count_if(last.flat(), [](Real x) { return x > 0; })) / 400;
  };
  const double error = std::sqrt(0.4 * 0.6 / 400);
  BOOST_TEST(right(IndependentMh(target.energy, left)) < 0.05);
  BOOST_TEST(std::abs(right(IndependentMh(target.energy, both)) - 0.4) < 4 * error);
  BOOST_TEST(std::abs(right(Isir(target.energy, both, {.particles = 10})) - 0.4) < 4 * error);
  // Weights of exact draws of the target are bounded by 1 / alpha times those of the broad part.
  ad::Tensor exact({2000, 1});
  target.sample(exact, {.seed = 3}, 0);
  const auto worst = [&](const Proposal& q) {
    return std::ranges::max(log_weights(target.energy, q, exact));
  };
  BOOST_TEST(worst(both) <= std::log(10.0) + worst(broad));
  BOOST_TEST(worst(left) > worst(both) + 10);
}

BOOST_AUTO_TEST_CASE(student_draws_have_their_density) {
  // In the plane P(r^2 <= t) = 1 - (1 + t / k)^(-k/2), r in units of the scales.
  const std::size_t n = 40000;
  for (const std::size_t k : {1, 3, 10}) {
    const Proposal t = student_proposal({1, -2}, {0.5, 2}, k);
    BOOST_TEST(t.noise_dim == 2 + k);
    const auto out = ad::evaluate(
        [&](std::span<const ad::Var> in) -> ad::Vars {
          const auto [x, log_q] = t.sample(in[0]);
          return {x, log_q, t.log_prob(x)};
        },
        {ad::normal({n, 2 + k}, {.seed = 4})});
    std::vector<double> p(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double a = (out[0](i, 0) - 1) / 0.5, b = (out[0](i, 1) + 2) / 2, r2 = a * a + b * b;
      p[i] = 1 - std::pow(1 + r2 / double(k), -double(k) / 2);
      if (i >= 100) continue;
      // The derivative of P(r^2 <= t), over pi times the scales.
      const double exact =
          std::log(1 / (2 * std::numbers::pi) * std::pow(1 + r2 / double(k), -double(k) / 2 - 1));
      BOOST_TEST(std::abs(double(out[1][i]) - exact) < 1e-3 * (1 + std::abs(exact)));
      BOOST_TEST(std::abs(double(out[2][i]) - exact) < 1e-3 * (1 + std::abs(exact)));
    }
    std::ranges::sort(p);
    double distance = 0;
    for (std::size_t i = 0; i < n; ++i) {
      distance = std::max(distance, std::abs(p[i] - (double(i) + 0.5) / double(n)));
    }
    BOOST_TEST(std::sqrt(double(n)) * distance < 2.2);  // beyond with probability 1e-4
  }
  BOOST_CHECK_THROW(student_proposal({0}, {1}, 0), std::invalid_argument);
  BOOST_CHECK_THROW(student_proposal({0, 1}, {1}), std::invalid_argument);
  BOOST_CHECK_THROW(student_proposal({0}, {-1}), std::invalid_argument);
  BOOST_CHECK_THROW(student_proposal({}, {}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  const Proposal one = gaussian_proposal({0}, {1}), two = gaussian_proposal({0, 0}, {1, 1});
  for (const double bad : {0.0, 1.0, -0.5, std::nan("")}) {
    BOOST_CHECK_THROW(defensive_mixture(one, one, {.alpha = bad}), std::invalid_argument);
  }
  BOOST_CHECK_EXCEPTION(defensive_mixture(one, two), std::invalid_argument,
                        [](const std::invalid_argument& e) {
                          return std::string(e.what()) ==
                                 "defensive_mixture: alpha 0.1 of proposals of dim 1 and 2; need a "
                                 "number between 0 and 1 and equal dims";
                        });
}

BOOST_AUTO_TEST_SUITE_END()
