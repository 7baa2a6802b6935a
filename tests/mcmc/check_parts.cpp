#include <boost/test/unit_test.hpp>
#include <numbers>

#include "mcmc/check.hpp"
#include "mcmc/check/statistics.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/targets/banana.hpp"
#include "mcmc/targets/funnel.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/targets/rings.hpp"

// What the checks are made of: their statistics, the checks of targets, of models and of weights.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

Target lopsided() {
  return isotropic_mixture(
      {.weights = {0.3, 0.7}, .means = {{-1.0, -0.6}, {1.1, 0.8}}, .variances = {0.3, 0.5}});
}

bool failed(const Check& check) { return check.outcome == Outcome::failed; }

/// |x|^2 / 2 + sin(x_1), of which the gradient's last term is lost.
ad::Var half_recorded(ad::Var x) {
  const ad::Var a = reshape(slice(x, 1, 0, 1), {x.shape()[0]});
  return 0.5 * sum(square(x), std::size_t(1)) + stop_gradient(sin(a));
}

/// Annealed importance sampling (Neal 2001) from N(0, 4 I) to the target along geometric paths, a
/// random-walk step at each of 20 temperatures; `sign` multiplies the increments of the weights.
struct Annealed {
  ad::Tensor draws;
  std::vector<double> log_weights;
};
Annealed annealed(const Target& target, std::size_t n, double sign) {
  constexpr std::size_t kTemperatures = 20;
  const double sd = 2;
  Annealed result{ad::Tensor({n, 2}), std::vector<double>(n)};
  const auto log_q = [=](std::span<const double> x) {
    return -(x[0] * x[0] + x[1] * x[1]) / (2 * sd * sd) - std::log(2 * std::numbers::pi * sd * sd);
  };
  for (std::size_t i = 0; i < n; ++i) {
    ad::Draws draws({.seed = 500}, std::uint32_t(i));
    std::vector<double> x{sd * draws.normal(), sd * draws.normal()};
    for (std::size_t k = 1; k <= kTemperatures; ++k) {
      const double beta = double(k) / kTemperatures;
      const auto log_p = [&](std::span<const double> at) {
        return (1 - beta) * log_q(at) + beta * target.log_prob(at);
      };
      result.log_weights[i] += sign * (target.log_prob(x) - log_q(x)) / kTemperatures;
      const std::vector<double> y{x[0] + 0.8 * draws.normal(), x[1] + 0.8 * draws.normal()};
      if (draws.uniform() < std::exp(log_p(y) - log_p(x))) x = y;
    }
    result.draws(i, 0) = Real(x[0]);
    result.draws(i, 1) = Real(x[1]);
  }
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_parts)

BOOST_AUTO_TEST_CASE(z_scores_are_those_of_their_probabilities) {
  const auto near = boost::test_tools::tolerance(1e-3);
  BOOST_TEST(z_of_log_p(std::log(0.05)) == 1.95996, near);
  BOOST_TEST(z_of_log_p(std::log(2.0)) == 0);
  // From either side of where probabilities go through logarithms.
  BOOST_TEST(z_of_log_p(-599.99) == z_of_log_p(-600.01), near);
  BOOST_TEST(z_of_chi_square(10, 10) == normal_quantile(1 - 0.4405 / 2), near);
  BOOST_TEST(z_of_chi_square(1300, 10) < z_of_chi_square(1301, 10));
  BOOST_TEST(z_of_chi_square(3000, 2) == std::sqrt(2 * 1500), boost::test_tools::tolerance(0.01));
  BOOST_TEST(z_of_kolmogorov(1.3581) == 1.95996, near);  // the classical 5 % point
  BOOST_TEST(z_of_kolmogorov(0.1) == 0);
  const double values[] = {1, 2, 3};
  BOOST_TEST(z_of_mean(values) == 2 * std::sqrt(3.0), near);
  std::vector<double> a{1, 2, 2, 3}, b{2, 3, 4, 5};
  BOOST_TEST(kolmogorov_smirnov(a, b) == std::sqrt(2.0) * 0.5, near);
}

BOOST_AUTO_TEST_CASE(a_verdict_is_false_as_often_as_it_says) {
  // 400 times 32 dependent tests of draws that are fine, at a false-alarm probability of 0.05.
  const Target target = lopsided();
  std::size_t alarms = 0;
  for (std::uint32_t r = 0; r < 400; ++r) {
    const ad::Key key{.seed = 501, .stream = r};
    const Features features(exact_draws("test", target, 200, key.fork(0)), {}, {}, {});
    Tests tests;
    compare_laws(tests, features, exact_draws("test", target, 400, key.fork(1)),
                 exact_draws("test", target, 400, key.fork(2)),
                 exact_draws("test", target, 400, key.fork(3)));
    alarms += failed(tests.check("test", 0.05));
  }
  // Bonferroni is conservative: 20 at most, with a standard error of 4.4; and not vacuous.
  BOOST_TEST(alarms <= 33u);
  BOOST_TEST(alarms >= 2u);
}

BOOST_AUTO_TEST_CASE(every_target_has_its_gradient) {
  for (const Target& target :
       {lopsided(), banana(), funnel({.dim = 4}), eight_gaussians(), rings()}) {
    const Verdict verdict = check_target(target, {.key = {.seed = 502}});
    BOOST_TEST_MESSAGE(target.name << "\n" << str(verdict));
    BOOST_TEST(verdict.passed(), target.name << ":\n" << str(verdict));
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_gradient_is_found_where_it_is) {
  const ad::Tensor points = ad::normal({10, 3}, {.seed = 503});
  const Check wrong = check_gradient(half_recorded, points);
  BOOST_TEST(failed(wrong));
  BOOST_TEST(wrong.statistic > 100, wrong.sentence);
  BOOST_TEST(wrong.sentence.find("coordinate 1 of point") != std::string::npos, wrong.sentence);
  const Check nowhere = check_gradient([](ad::Var x) { return sum(log(-square(x)), 1); }, points);
  BOOST_TEST(nowhere.sentence == "The energy is finite around none of the points.");
  const Check hidden = check_gradient([](ad::Var x) { return sum(square(x), 1) + 1e16; }, points);
  BOOST_TEST(failed(hidden));
  BOOST_TEST(hidden.sentence.find("rounding hides it") != std::string::npos, hidden.sentence);
}

BOOST_AUTO_TEST_CASE(rows_that_see_each_other_and_a_wrong_density_are_found) {
  const ad::Tensor points = ad::normal({10, 3}, {.seed = 504});
  const Energy coupled = [](ad::Var x) {
    return 0.5 * sum(square(x - mean(x, 0)), std::size_t(1));
  };
  BOOST_TEST(failed(check_rows(coupled, points)));
  Target target = lopsided();
  target.energy = [right = target.energy](ad::Var x) { return right(x) * 1.01; };
  const Verdict verdict = check_target(target, {.key = {.seed = 505}});
  BOOST_TEST(!failed(verdict["gradient"]));
  BOOST_TEST(!failed(verdict["rows"]));
  BOOST_TEST(failed(verdict["density"]));
}

BOOST_AUTO_TEST_CASE(chains_that_do_not_get_there_fail_calibration_only) {
  // The law stays exact from exact starts, however slow a kernel is.
  const auto slow = [](const Energy& u, const Proposal& q) {
    return Mala(u, q.dim, {.step_size = 1e-3});
  };
  const Check check =
      check_calibration(slow, hinge_regression(), {.thin = 1, .warmup = 50, .key = {.seed = 506}});
  BOOST_TEST(failed(check));
  BOOST_TEST(check.statistic > 10, check.sentence);
  // The draws are still those of the prior, among which the prior's rank uniformly: only the energy
  // knows the data.
  BOOST_TEST(check.sentence.find("the energy") != std::string::npos, check.sentence);
}

BOOST_AUTO_TEST_CASE(ranks_are_read_in_plain_words) {
  BOOST_TEST(reading(-5, 1).find("too high") != std::string::npos);
  BOOST_TEST(reading(5, 1).find("too low") != std::string::npos);
  BOOST_TEST(reading(1, 5).find("too narrow") != std::string::npos);
  BOOST_TEST(reading(1, -5).find("too wide") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_refresh_that_is_forgotten_fails_the_joint_test) {
  // Its energies and gradients are those of the data before.
  struct Forgetful : Hmc {
    using Hmc::Hmc;
    void refresh(State&) const {}
  };
  const auto make = [](const Energy& u, const Proposal& q) {
    return Forgetful(u, q.dim, {.step_size = 0.3, .leapfrog_steps = 3});
  };
  const Check check =
      check_joint(make, hinge_regression(), {.replicates = 8192, .key = {.seed = 507}});
  BOOST_TEST(failed(check));
  BOOST_TEST(check.statistic > 10, check.sentence);
}

BOOST_AUTO_TEST_CASE(weights_with_a_sign_error_are_found) {
  const Target target = lopsided();
  const Annealed right = annealed(target, 8000, 1), wrong = annealed(target, 8000, -1);
  const WeightsOptions options{.key = {.seed = 508}};
  const Check good = check_weights(right.draws, right.log_weights, target, options);
  BOOST_TEST(!failed(good), good.sentence);
  BOOST_TEST_MESSAGE(good.sentence << " " << good.statistic);
  const Check bad = check_weights(wrong.draws, wrong.log_weights, target, options);
  BOOST_TEST(failed(bad), bad.sentence);
  BOOST_TEST(bad.statistic > 10, bad.sentence);
  BOOST_TEST_MESSAGE(bad.sentence << " " << bad.statistic);
  // The weights of runs: 80 of 100 particles each.
  WeightsOptions grouped = options;
  grouped.runs = 80;
  BOOST_TEST(!failed(check_weights(right.draws, right.log_weights, target, grouped)));
  // Exact draws of equal weight, and of a wrong normaliser.
  const ad::Tensor exact = exact_draws("test", target, 4000, {.seed = 510});
  BOOST_TEST(!failed(check_weights(exact, std::vector<double>(4000), target, options)));
  BOOST_TEST(failed(check_weights(exact, std::vector<double>(4000, 0.1), target, options)));
}

BOOST_AUTO_TEST_CASE(results_do_not_depend_on_threads) {
  const auto make = [](const Energy& u, const Proposal& q) {
    return Mala(u, q.dim, {.step_size = 0.3});
  };
  const auto on = [&](std::size_t threads) {
    return ad::with_threads(threads, [&] {
      KernelChecks small{.key = {.seed = 509}};
      small.stationarity->chains = small.reversibility->chains = 2000;
      small.joint->replicates = 200;
      small.calibration->replicates = 80;
      return str(check_kernel(make, lopsided(), small));
    });
  };
  BOOST_TEST(on(1) == on(2));
}

BOOST_AUTO_TEST_CASE(bad_input_is_named) {
  const auto make = [](const Energy& u, const Proposal& q) {
    return Mala(u, q.dim, {.step_size = 0.3});
  };
  Target silent = lopsided();
  silent.sample = {};
  BOOST_CHECK_THROW(check_kernel(make, silent), std::invalid_argument);
  BOOST_CHECK_THROW(check_joint(make, Model{.name = "empty"}), std::invalid_argument);
  BOOST_CHECK_THROW(check_joint(make, hinge_regression(), {.replicates = 0}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(check_calibration(make, hinge_regression(), {.bins = 1}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(check_weights(ad::Tensor({200, 3}), std::vector<double>(200), silent),
                    std::invalid_argument);
  BOOST_CHECK_THROW(check_gradient(silent.energy, ad::Tensor({2})), std::invalid_argument);
  BOOST_CHECK_THROW(Tests{}.check("test", 0), std::invalid_argument);
  BOOST_CHECK_EXCEPTION((Verdict{{{.name = "a"}}})["b"], std::invalid_argument, [](const auto& e) {
    return e.what() == std::string("Verdict: no check b; there are: a");
  });
}

BOOST_AUTO_TEST_SUITE_END()
