#include "mcmc/e_bfmi.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autodiff/random.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// A chain of 5000 that keeps rho of each energy.
ChainValues energies(double rho, ad::Key key) {
  ChainValues h{1, 5000, {}};
  ad::Draws noise(key);
  for (double value = noise.normal(); h.values.size() < h.draws;) {
    h.values.push_back(value);
    value = rho * value + std::sqrt(1 - rho * rho) * noise.normal();
  }
  return h;
}

}  // namespace

// Independent energies differ by twice their variance; a slow chain's hardly at all.
BOOST_AUTO_TEST_CASE(e_bfmi_is_two_for_independent_energies_and_small_for_slow_ones) {
  BOOST_TEST(std::abs(e_bfmi(energies(0, {11, 0}))[0] - 2) < 0.2);
  BOOST_TEST(e_bfmi(energies(0.95, {11, 1}))[0] < 0.15);
  BOOST_TEST(std::isnan(e_bfmi({1, 4, {2, 2, 2, 2}})[0]));
  BOOST_TEST(std::isnan(e_bfmi({1, 4, {2, std::numeric_limits<double>::infinity(), 2, 3}})[0]));
  BOOST_CHECK_THROW(e_bfmi({1, 3, {1, 2, 3}}), std::invalid_argument);
}
