#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "mcmc/targets/correlated_gaussian.hpp"
#include "mcmc/targets/posteriors/score.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What is reported of x is 3 + 2 x_1 and exp(x_2).
Posterior affine_and_log_normal() {
  Posterior p{.name = "test", .parameters = {"a", "log b"}, .quantities = {"a", "b"}};
  p.report = [](std::span<const Real> x, std::span<Real> q) {
    q[0] = 3 + 2 * x[0];
    q[1] = std::exp(x[1]);
  };
  const double e = std::exp(1.0);
  p.reference = {{3, 2, 0, kInfinity}, {std::sqrt(e), std::sqrt(e * (e - 1)), 0, kInfinity}};
  return p;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(posterior_scores)

// Exact draws of an exact reference: the z-scores of many runs are standard normal.
BOOST_AUTO_TEST_CASE(z_scores_of_exact_draws_are_standard_normal) {
  constexpr std::size_t kRuns = 300;
  double sums[2] = {}, squares[2] = {};
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    const auto s = scores(affine_and_log_normal(), ad::normal({4, 500, 2}, {run, 3}));
    const double z[] = {s[0].z_mean, s[0].z_sd};
    for (std::size_t k = 0; k < 2; ++k) {
      sums[k] += z[k] / std::sqrt(double(kRuns));
      squares[k] += (z[k] * z[k] - 1) / std::sqrt(2.0 * kRuns);
    }
  }
  // The errors themselves have errors, which add a few per cent to the squares.
  for (const double v : sums) BOOST_TEST(std::abs(v) < 4);
  for (const double v : squares) BOOST_TEST(std::abs(v) < 4);
}

BOOST_AUTO_TEST_CASE(moments_are_of_the_quantities) {
  const auto s = scores(affine_and_log_normal(), ad::normal({4, 20000, 2}, {1, 1}));
  BOOST_TEST(s[1].quantity == "b");
  BOOST_TEST(std::abs(s[0].mean - 3) < 4 * s[0].mean_error);
  BOOST_TEST(s[0].mean_error == 2 / std::sqrt(80000), boost::test_tools::tolerance(0.05));
  BOOST_TEST(s[0].sd_error == 2 / std::sqrt(160000), boost::test_tools::tolerance(0.05));
  BOOST_TEST(s[1].sd == affine_and_log_normal().reference[1].sd,
             boost::test_tools::tolerance(0.05));
  BOOST_TEST(worst_z(s) < 4);
  BOOST_TEST(least_ess(s) > 60000);
  BOOST_TEST(std::abs(s[0].rhat - 1) < 0.01);
}

BOOST_AUTO_TEST_CASE(errors_of_the_reference_count) {
  Posterior p = affine_and_log_normal();
  const ad::Tensor x = ad::normal({4, 1000, 2}, {1, 1});
  p.reference[0] = {2, 1.5, 0.1, 50};
  const auto s = scores(p, x);
  BOOST_TEST(s[0].z_mean == (s[0].mean - 2) / std::hypot(s[0].mean_error, 0.1),
             boost::test_tools::tolerance(1e-12));
  // A normal distribution has kurtosis 3.
  BOOST_TEST(s[0].z_sd == (s[0].sd - 1.5) / std::hypot(s[0].sd_error, 1.5 / std::sqrt(100)),
             boost::test_tools::tolerance(0.03));
  p.reference.clear();
  const auto alone = scores(p, x);
  BOOST_TEST(std::isnan(alone[0].z_mean));
  BOOST_TEST(worst_z(alone) == 0);
}

BOOST_AUTO_TEST_CASE(draws_that_stand_still_or_are_not_finite_are_no_success) {
  const Posterior p = affine_and_log_normal();
  ad::Tensor x = ad::normal({2, 100, 2}, {1, 1});
  x[7] = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST(worst_z(scores(p, x)) == kInfinity);
  BOOST_TEST(std::isnan(least_ess(scores(p, x))));
  BOOST_TEST(worst_z(scores(p, ad::Tensor({2, 100, 2}))) == kInfinity);
  BOOST_CHECK_THROW(scores(p, ad::Tensor({200, 2})), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_correlated_gaussian_has_the_stated_eigenvalues) {
  const Target t = correlated_gaussian({.dim = 12, .condition = 100});
  // Sums over the eigenvalues 10^(2 k / 11 - 1) of the covariance C: tr C, tr C^2, log det C.
  double trace = 0, square = 0;
  for (int k = 0; k < 12; ++k) {
    trace += std::pow(10, 2 * k / 11.0 - 1);
    square += std::pow(10, 4 * k / 11.0 - 2);
  }
  for (std::size_t j = 0; j < 12; ++j) trace -= t.covariance[j * 13];
  for (const double v : t.covariance) square -= v * v;
  BOOST_TEST(std::abs(trace) < 1e-11);
  BOOST_TEST(std::abs(square) < 1e-10);
  const std::vector<double> zero(12);
  BOOST_TEST(t.log_prob(zero) == -6 * std::log(2 * std::numbers::pi),
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(correlated_gaussian({.dim = 12, .key = {2, 0}}).covariance[1] != t.covariance[1]);
  BOOST_CHECK_THROW(correlated_gaussian({.dim = 1}), std::invalid_argument);
  BOOST_CHECK_THROW(correlated_gaussian({.condition = 0.5}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(exact_draws_of_a_target_agree_with_it) {
  const Target t = correlated_gaussian({.dim = 12});
  const Posterior p = as_posterior(t);
  ad::Tensor x({4000, 12});
  t.sample(x, {3, 1}, 0);
  const auto s = scores(p, std::move(x).reshaped({4, 1000, 12}));
  BOOST_TEST(s[11].quantity == "x[12]");
  BOOST_TEST(s[11].reference->sd == std::sqrt(t.covariance[143]));
  BOOST_TEST(worst_z(s) < 4);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::mcmc
