#include "experiments/common/sample_posterior.hpp"

#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "mcmc/targets/correlated_gaussian.hpp"
#include "mcmc/targets/posteriors/score.hpp"

namespace eqp {

BOOST_AUTO_TEST_SUITE(posterior_sampling)

BOOST_AUTO_TEST_CASE(draws_agree_with_a_known_distribution) {
  const auto target = mcmc::as_posterior(mcmc::correlated_gaussian({.dim = 6, .condition = 1e4}));
  const mcmc::RunResult s =
      sample(target, {.chains = 16, .warmup = 400, .steps = 300, .key = {4, 0}});
  BOOST_TEST((s.draws.shape() == ad::Shape{16, 300, 6}));
  const auto scores = mcmc::scores(target, s.draws);
  BOOST_TEST(mcmc::worst_z(scores) < 4);
  // A condition of 1e4 is no obstacle once the shape is known.
  BOOST_TEST(mcmc::least_ess(scores) > 1000);
  BOOST_TEST(s.counts.rate() > 0.6);
  BOOST_TEST(s.warmup_gradients > 400u * 16);
  BOOST_TEST(mcmc::warnings(s.facts).empty());
}

BOOST_AUTO_TEST_CASE(the_same_key_gives_the_same_draws) {
  const auto target = mcmc::make_posterior("eight_schools_noncentered");
  const auto draws = [&](std::uint64_t seed) {
    return sample(target, {.chains = 4, .warmup = 40, .steps = 5, .key = {seed, 0}}).draws;
  };
  const ad::Tensor once = draws(1), again = draws(1), other = draws(2);
  BOOST_TEST(once.flat() == again.flat(), boost::test_tools::per_element());
  BOOST_TEST(!std::ranges::equal(once.flat(), other.flat()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp
