#include "mcmc/hmc.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/mcmc/runs.hpp"

// What Hamiltonian kernels tell of their steps; their laws are tested in kernels.cpp.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

constexpr std::size_t kDim = 6, kChains = 200;

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

double energy_at(std::span<const Real> x) {
  return ad::sum_of(x.size(), [=](std::size_t j) { return 0.5 * double(x[j]) * double(x[j]); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hmc)

BOOST_AUTO_TEST_CASE(transitions_add_up_to_the_counts) {
  const Hmc kernel(half_square, kDim, {.step_size = 1.2, .leapfrog_steps = 3});
  Hmc::State s = kernel.init(ad::normal({kChains, kDim}, {.seed = 30}));
  s.counts = {};
  double accepted = 0, kinetic = 0;
  for (std::uint32_t t = 0; t < 50; ++t) {
    const ad::Tensor before(s.x());
    kernel.step(s, {{.seed = 31}, t});
    for (std::size_t i = 0; i < kChains; ++i) {
      const Transition& told = s.transitions()[i];
      accepted += told.accept;
      BOOST_TEST(told.leapfrogs == 3u);
      BOOST_TEST(told.depth == 0);
      BOOST_TEST(!told.diverging);
      const double moved = told.energy - energy_at(s.x().row(i));
      BOOST_TEST(moved > -1e-4);
      kinetic += moved / (50 * kChains);
    }
  }
  BOOST_TEST(accepted == s.counts.accepted, boost::test_tools::tolerance(1e-10));
  BOOST_TEST(s.counts.rate() < 0.95);
  BOOST_TEST(s.counts.divergences == 0u);
  // The kinetic energy of a stationary state and its momentum has mean d / 2 and variance d / 2.
  BOOST_TEST(std::abs(kinetic - kDim / 2.0) < 4 * std::sqrt(kDim / 2.0 / (50 * kChains)));
}

BOOST_AUTO_TEST_CASE(a_step_beyond_stability_diverges) {
  const auto result = run(Hmc(half_square, kDim, {.step_size = 3, .leapfrog_steps = 10}),
                          ad::normal({kChains, kDim}, {.seed = 32}), {.steps = 3, .block = 64});
  BOOST_TEST(result.counts.divergences == 3 * kChains);
  BOOST_TEST(result.counts.rate() == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()
