#include "mcmc/confined.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "mcmc/chains.hpp"
#include "mcmc/mala.hpp"
#include "tests/mcmc/laws.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

// A border that crosses the larger mode, so that chains come up against it.
std::uint32_t side(std::span<const Real> x) { return x[0] + x[1] / 2 > 0.8; }

ad::Tensor after_steps(const auto& kernel, const ad::Tensor& x0) {
  Chains chains(kernel, x0);
  chains.advance(kernel, 0, 30, {.seed = 2});
  return chains.positions();
}

std::size_t crossed(const ad::Tensor& x0, const ad::Tensor& x) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) n += side(x0.view().row(i)) != side(x.view().row(i));
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(confined)

BOOST_AUTO_TEST_CASE(chains_stay_in_their_region_and_keep_the_law_within_it) {
  const auto law = test::asymmetric_mixture();
  const Mala mala(law.energy(), 2, {.step_size = 0.3});
  const ad::Tensor x0 = law.sample(20'000, {.seed = 1}), x = after_steps(Confined(mala, side), x0);
  BOOST_TEST(crossed(x0, x) == 0u);
  BOOST_TEST(crossed(x0, after_steps(mala, x0)) > 5000u);
  // From exact draws the mean of any function stays what it is: the changes have mean 0.
  for (const std::uint32_t region : {0u, 1u}) {
    for (const int moment : {0, 1, 2, 3, 4}) {
      const auto f = [&](std::span<const Real> p) {
        return moment < 2   ? p[std::size_t(moment)]
               : moment < 4 ? std::pow(p[std::size_t(moment) - 2], 2)
                            : p[0] * p[1];
      };
      double n = 0, sum = 0, squares = 0;
      for (std::size_t i = 0; i < x.rows(); ++i) {
        if (side(x0.view().row(i)) != region) continue;
        const double change = double(f(x.view().row(i))) - double(f(x0.view().row(i)));
        ++n, sum += change, squares += change * change;
      }
      BOOST_TEST(std::abs(sum) < 4 * std::sqrt(squares),
                 "region " << region << ", moment " << moment);
      BOOST_TEST(squares / n > 0.05);  // they have moved
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
