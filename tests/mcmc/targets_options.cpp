#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

#include "autodiff/cholesky.hpp"
#include "mcmc/targets/banana.hpp"
#include "mcmc/targets/funnel.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/targets/mixture.hpp"
#include "mcmc/targets/rings.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

BOOST_AUTO_TEST_SUITE(targets_options)

BOOST_AUTO_TEST_CASE(a_cholesky_factor_solves_and_multiplies) {
  const std::vector<double> a{4, 2, -2, 2, 10, 5, -2, 5, 9};  // L = (2) (1 3) (-1 2 2)
  const ad::Cholesky factor("test", a, 3);
  BOOST_TEST(factor.log_det() == std::log(144.0), boost::test_tools::tolerance(1e-14));
  std::vector<double> v{1, 1, 1};
  factor.multiply(v);
  const std::vector<double> expected{2, 4, 3};
  BOOST_TEST(v == expected, boost::test_tools::per_element());
  factor.solve(v);
  for (const double z : v) BOOST_TEST(z == 1, boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(a_component_is_picked_in_proportion_to_its_weight) {
  const auto weights = normalised_weights("test", std::vector<double>{2, 0, 6, 0}, 4);
  BOOST_TEST(pick(weights, 1e-9) == 0u);
  BOOST_TEST(pick(weights, 0.2499) == 0u);
  BOOST_TEST(pick(weights, 0.2501) == 2u);
  BOOST_TEST(pick(weights, 1 - 1e-16) == 2u);
  BOOST_TEST(log_add(-kInfinity, -kInfinity) == -kInfinity);
  BOOST_TEST(log_add(1000, -kInfinity) == 1000);
  BOOST_TEST(log_add(1000, 1000) == 1000 + std::log(2), boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(bad_options_are_refused_with_a_reason) {
  const auto refuses = [](const std::string& reason, const std::function<void()>& make) {
    BOOST_CHECK_EXCEPTION(make(), std::invalid_argument, [&](const std::invalid_argument& e) {
      BOOST_TEST_MESSAGE(e.what());
      return std::string(e.what()).find(reason) != std::string::npos;
    });
  };
  refuses("not positive definite", [] { gaussian({.mean = {0, 0}, .covariance = {1, 2, 2, 1}}); });
  refuses("not positive definite", [] { gaussian({.mean = {0}, .covariance = {std::nan("")}}); });
  refuses("need a symmetric matrix", [] {
    gaussian({.mean = {0, 0}, .covariance = {1, std::nan(""), 0, 1}});
  });
  refuses("symmetric", [] { gaussian({.mean = {0, 0}, .covariance = {1, 0.5, 0.4, 1}}); });
  refuses("need 2 x 2", [] { gaussian({.mean = {0, 0}, .covariance = {1, 0, 1}}); });
  refuses("no dimensions", [] { gaussian({}); });
  refuses("no components", [] { gaussian_mixture({}); });
  refuses("as many", [] { isotropic_mixture({.means = {{0}, {1}}, .variances = {1}}); });
  refuses("as many", [] { gaussian_mixture({.means = {{0}, {1}}, .covariances = {{1}}}); });
  refuses("coordinates", [] { isotropic_mixture({.means = {{0}, {1, 2}}, .variances = {1, 1}}); });
  refuses("need one each", [] { eight_gaussians({.weights = {1, 2, 3}}); });
  refuses("not negative", [] { rings({.weights = {1, 1, 1, -1}}); });
  refuses("need a positive number", [] { rings({.weights = {0, 0, 0, 0}}); });
  refuses("above 0", [] { rings({.radii = {1, 0}}); });
  refuses("std above 0", [] { rings({.std = 0}); });
  for (const double bad : {std::nan(""), kInfinity}) {
    refuses("need finite", [=] { gaussian({.mean = {bad}, .covariance = {1}}); });
    refuses("need finite", [=] {
      isotropic_mixture({.means = {{0}, {bad}}, .variances = {1, 1}});
    });
  }
  refuses("need finite", [] { eight_gaussians({.radius = kInfinity}); });
  refuses("even dim", [] { banana({.dim = 3}); });
  refuses("at least 2 dimensions", [] { funnel({.dim = 1}); });
  refuses("need (n, 2)", [] {
    ad::Tensor x({4, 3});
    rings().sample(x, {1, 0}, 0);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::mcmc
