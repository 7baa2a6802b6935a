#include "mcmc/log_weights.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "autodiff/random.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

BOOST_AUTO_TEST_CASE(importance_ess_and_log_mean_exp_by_hand) {
  const auto near = boost::test_tools::tolerance(1e-12);
  const std::vector<double> weights{std::log(1.0) + 900, std::log(2.0) + 900, std::log(5.0) + 900,
                                    -kInfinity};
  BOOST_TEST(importance_ess(weights) == 64.0 / 30, near);
  BOOST_TEST(log_mean_exp(weights) == std::log(2.0) + 900, near);
  BOOST_TEST(importance_ess(std::vector<double>(7, -1e4)) == 7, near);
  const std::vector<double> zero(3, -kInfinity), broken{0, std::nan("")}, infinite{3, kInfinity, 1};
  BOOST_TEST(importance_ess(zero) == 0);
  BOOST_TEST(log_mean_exp(zero) == -kInfinity);
  BOOST_TEST(std::isnan(importance_ess(broken)));
  BOOST_TEST(std::isnan(log_mean_exp(broken)));
  BOOST_TEST(std::isnan(importance_ess(infinite)));
  BOOST_TEST(log_mean_exp(infinite) == kInfinity);
  BOOST_CHECK_THROW(log_mean_exp({}), std::invalid_argument);
}

// log w = k E with E exponential: w is Pareto, with shape k; the prior draws it to 1/2.
BOOST_AUTO_TEST_CASE(pareto_k_finds_the_shape_of_pareto_weights) {
  for (const double k : {0.2, 0.5, 0.9, 1.5}) {
    std::vector<double> log_weights;
    ad::Draws draws({3, 0});
    for (std::size_t i = 0; i < 20'000; ++i) log_weights.push_back(-k * std::log(draws.uniform()));
    const double n = 3 * std::sqrt(20'000.0), expected = (n * k + 5) / (n + 10);
    // The standard deviation of the estimate is (1 + k) / sqrt(n).
    BOOST_TEST(std::abs(pareto_k(log_weights) - expected) < 3 * (1 + k) / std::sqrt(n));
    for (double& a : log_weights) a += 5000;
    BOOST_TEST(std::isfinite(pareto_k(log_weights)));
  }
}

BOOST_AUTO_TEST_CASE(pareto_k_of_odd_weights_is_documented) {
  BOOST_TEST(pareto_k({}) == kInfinity);
  BOOST_TEST(pareto_k(std::vector<double>(100, 1.0)) == kInfinity);  // no tail
  BOOST_TEST(std::isnan(pareto_k(std::vector<double>(100, -kInfinity))));
  std::vector<double> broken(100, 0.0);
  broken[7] = std::nan("");
  BOOST_TEST(std::isnan(pareto_k(broken)));
  broken[7] = kInfinity;
  BOOST_TEST(std::isnan(pareto_k(broken)));
  BOOST_CHECK_THROW(pareto_k(broken, 0), std::invalid_argument);
  BOOST_TEST(pareto_k_threshold(100) == 0.5);
  BOOST_TEST(pareto_k_threshold(1'000'000) == 0.7);
}

BOOST_AUTO_TEST_CASE(weights_that_no_tail_is_fitted_to_are_not_smoothed) {
  const auto each = boost::test_tools::per_element();
  std::vector<double> few{0, 1, 2}, broken(100, 0.0), equal(100, 1.0);
  broken[7] = kInfinity;
  for (const std::vector<double>& raw : {few, broken, equal, std::vector<double>()}) {
    BOOST_TEST(pareto_smoothed(raw).log_weights == raw, each);
  }
  BOOST_TEST(pareto_smoothed(few).k == kInfinity);
  BOOST_TEST(std::isnan(pareto_smoothed(broken).k));
  BOOST_CHECK_THROW(pareto_smoothed(few, -1), std::invalid_argument);
}

// w = E^-k with E exponential has the mean Gamma(1 - k) and, for k > 1/2, no variance: means of raw
// weights scatter by outliers, those of smoothed ones less.
BOOST_AUTO_TEST_CASE(smoothing_brings_means_of_heavy_weights_nearer) {
  const double k = 0.7, exact = std::log(std::tgamma(1 - k));
  double raw = 0, smoothed = 0;
  constexpr std::size_t kRepeats = 200;
  ad::Draws draws({4, 0});
  for (std::size_t repeat = 0; repeat < kRepeats; ++repeat) {
    std::vector<double> log_w(1000);
    for (double& a : log_w) a = -k * std::log(-std::log(draws.uniform()));
    raw += std::pow(std::exp(log_mean_exp(log_w) - exact) - 1, 2) / kRepeats;
    smoothed +=
        std::pow(std::exp(log_mean_exp(pareto_smoothed(log_w).log_weights) - exact) - 1, 2) /
        kRepeats;
  }
  BOOST_TEST(smoothed < raw / 2);
}
