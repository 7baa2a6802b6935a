#include "mcmc/importance.hpp"

#include <boost/math/special_functions/beta.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <numeric>

#include "mcmc/independent_mh.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

Proposal isotropic(std::size_t d, double variance) {
  return gaussian_proposal(std::vector<double>(d), std::vector<double>(d, std::sqrt(variance)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(importance)

BOOST_AUTO_TEST_CASE(gaussian_weights_have_their_closed_forms) {
  // N(0, I) from N(0, v I): log Z = d/2 log 2 pi, ESS/n = (sqrt(2 - 1/v) / sqrt(v))^d, and the
  // largest weight, at 0, is Z v^(d/2).
  const std::size_t n = 200000, d = 3;
  const double v = 1.5;
  const auto s = importance_sample(half_square, isotropic(d, v), n, {.seed = 1});
  const double log_z = 1.5 * std::log(2 * std::numbers::pi);
  BOOST_TEST(std::abs(s.report.log_z - log_z) < 4 * s.report.log_z_error);
  BOOST_TEST(s.report.ess / n == std::pow((2 - 1 / v) / v, 1.5),
             boost::test_tools::tolerance(0.01));
  BOOST_TEST(s.report.worst_log_weight <= 1.5 * std::log(v) + 0.01);
  BOOST_TEST(s.report.worst_log_weight >= 1.5 * std::log(v) - 0.05);
  const auto worst = s.draws.row(s.report.worst);
  BOOST_TEST(std::hypot(double(worst[0]), double(worst[1]), double(worst[2])) < 0.3);
  BOOST_TEST(s.report.largest_weight == std::exp(s.report.worst_log_weight) / n,
             boost::test_tools::tolerance(1e-12));
  const std::vector<double> w = s.weights();
  BOOST_TEST(std::accumulate(w.begin(), w.end(), 0.0) == 1, boost::test_tools::tolerance(1e-9));
  const auto [square, error] =
      s.mean([](std::span<const Real> x) { return double(x[0]) * double(x[0]); });
  BOOST_TEST(std::abs(square - 1) < 4 * error);
  BOOST_TEST(error < 0.006);
  // Bounded weights: a light tail, which smoothing hardly changes.
  BOOST_TEST(s.report.pareto_k == pareto_k(s.log_weights));
  BOOST_TEST(s.report.pareto_k < 0.3);
  const ImportanceSample smooth = s.smoothed();
  BOOST_TEST(smooth.report.pareto_k == s.report.pareto_k);
  BOOST_TEST(smooth.log_weights == pareto_smoothed(s.log_weights).log_weights,
             boost::test_tools::per_element());
  BOOST_TEST(std::abs(smooth.report.log_z - s.report.log_z) < s.report.log_z_error);
  // The same weights, at given positions.
  const std::vector<double> again = log_weights(half_square, isotropic(d, v), s.draws);
  for (std::size_t i = 0; i < 100; ++i) {
    BOOST_TEST(std::abs(again[i] - s.log_weights[i]) < (sizeof(Real) == 4 ? 1e-4 : 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(independent_mh_accepts_gaussians_as_computed) {
  // Stationary acceptance of N(0, I_d) from N(0, v I): 2 I_{1/(1+c)}(d/2, d/2), c = max(v, 1/v).
  for (const auto& [d, v] : {std::pair(1, 4.0), {2, 1.5}, {16, 1.21}, {16, 0.8}, {64, 1.1}}) {
    const double half = d / 2.0, c = std::max(v, 1 / v);
    const double exact = 2 * boost::math::ibeta(half, half, 1 / (1 + c));
    const std::size_t n = 40000;
    const IndependentMh kernel(half_square, isotropic(std::size_t(d), v));
    const auto result = run(kernel, ad::normal({n, std::size_t(d)}, {.seed = 3}), {.steps = 3});
    BOOST_TEST(std::abs(result.counts.rate() - exact) < 4 * 0.5 / std::sqrt(double(n)),
               "d " << d << ", v " << v << ": " << result.counts.rate() << ", not " << exact);
  }
  BOOST_TEST(2 * boost::math::ibeta(8.0, 8.0, 1 / 2.21) == 0.707620,
             boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(independent_mh_hops_between_the_halves_of_a_line_as_computed) {
  // One coordinate: acceptance 2 (1 - 2/pi atan(sd)) for sd >= 1.
  for (const double sd : {1.1, 2.0, 11.0}) {
    const std::size_t n = 40000;
    const auto result = run(IndependentMh(half_square, gaussian_proposal({0}, {sd})),
                            ad::normal({n, 1}, {.seed = 4}), {.steps = 3});
    BOOST_TEST(std::abs(result.counts.rate() - 2 * (1 - 2 / std::numbers::pi * std::atan(sd))) <
               4 * 0.5 / std::sqrt(double(n)));
  }
}

BOOST_AUTO_TEST_CASE(weights_that_tell_nothing_are_errors) {
  const Proposal q = isotropic(2, 1);
  const Energy nowhere = [](ad::Var x) { return 1.0 / (0.0 * sum(square(x), 1)); };
  const Energy undefined = [](ad::Var x) { return sum(log(x), 1); };
  BOOST_CHECK_THROW(importance_sample(half_square, q, 1, {}), std::invalid_argument);
  BOOST_CHECK_THROW(importance_sample(half_square, q, 0, {}), std::invalid_argument);
  BOOST_CHECK_THROW(importance_sample(nowhere, q, 10, {}), std::runtime_error);
  ad::Tensor x({70, 2});
  std::ranges::fill(x.flat(), Real(1));
  x(66, 1) = -1;
  BOOST_CHECK_EXCEPTION(log_weights(undefined, q, x), ad::NonFinite, [](const ad::NonFinite& e) {
    BOOST_TEST_MESSAGE(e.what());
    return std::string(e.what()).starts_with("draw 66: log: nan");
  });
  BOOST_CHECK_THROW(log_weights(half_square, q, ad::Tensor({5, 3})), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
