#include <boost/test/unit_test.hpp>

#include "tests/train/two_modes.hpp"
#include "train/pcd.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// Mean probability to move of i-SIR among n particles when a right state weighs w and is w times
// as frequent as a left one: the number of fresh particles on the right is binomial.
double move_rate(double w, std::size_t n) {
  double rate = 0, binomial = std::pow(0.5, double(n - 1));
  for (std::size_t k = 0; k < n; ++k) {
    const double fresh = double(k) * w + double(n - 1 - k);
    rate += binomial * (w / (w + 1) * fresh / (fresh + w) + 1 / (w + 1) * fresh / (fresh + 1));
    binomial *= double(n - 1 - k) / double(k + 1);
  }
  return rate;
}

}  // namespace

BOOST_AUTO_TEST_CASE(global_moves_balance_two_modes_at_the_known_rate) {
  TwoModesModel m;
  m.params.mutate()[0] = Real(std::log(2));
  const Objective objective = adaptive_flow(m.energy, two_modes_data, m.flow, m.flow_params,
                                            {.batch = 500,
                                             .bank = 500,
                                             .particles = 4,
                                             .local_steps = 1,
                                             .cycles = 1,
                                             .flow_updates = 0,
                                             .key = {2}});
  Inputs inputs(objective);
  Mean moves, share;
  for (std::uint32_t t = 0; t < 220; ++t) {
    const StepLog log = inputs.feed(objective, t);
    if (t < 20) continue;
    moves.add(log.global_moves);
    share.add(share_on_the_right(inputs.views[1]));
  }
  BOOST_TEST(move_rate(1, 4) == 0.75, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(moves.off(move_rate(2, 4)) < 5, moves.value() << " +- " << moves.error());
  BOOST_TEST(moves.error() < 0.001);
  BOOST_TEST(share.off(kWeight) < 6);  // a state stays for 1.5 steps or so
  BOOST_TEST(share.error() < 0.003);
}

BOOST_AUTO_TEST_CASE(adaptive_flow_finds_the_weights_of_two_modes) {
  TwoModesModel m;
  const Objective objective = adaptive_flow(
      m.energy, two_modes_data, m.flow, m.flow_params,
      {.batch = 256, .bank = 512, .local_steps = 2, .cycles = 1, .flow_updates = 0, .key = {2}});
  const Mean theta = trained(m.params, objective, {0.5, 60, 600})[0];
  BOOST_TEST(theta.off(std::log(2)) < 4, theta.value() << " +- " << theta.error());
  BOOST_TEST(theta.error() < 0.0125);  // four of them are 0.05
  BOOST_TEST(std::abs(theta.value() - std::log(2)) < 0.05);
}

// Langevin chains do not hop: half of them stay on the right whatever theta says, and theta grows
// by a sixth of the learning rate at every step, for ever.
BOOST_AUTO_TEST_CASE(persistent_langevin_chains_let_the_weight_drift_away) {
  TwoModesModel m;
  const std::uint32_t steps = 400;
  const double rate = 0.5;
  const Objective objective =
      pcd(m.energy, two_modes_data, 512, base_sampler(m.flow),
          {.dim = 2, .batch = 256, .steps = 5, .step_size = 0.005, .key = {2}});
  Mean gradient;
  double before = 0;
  fit(m.params, objective, sgd(), {.steps = steps, .learning_rate = constant(rate)},
      [&](std::uint32_t, const StepLog&) {
        gradient.add((before - m.params.values()[0]) / rate);
        before = m.params.values()[0];
        return true;
      });
  ad::Tensor bank({512, 2});
  base_sampler(m.flow)(bank, ad::Key{2}.fork(0).fork(0), 0);
  BOOST_TEST(gradient.off(share_on_the_right(bank) - kWeight) < 4);
  BOOST_TEST(gradient.error() < 0.003);
  BOOST_TEST(before > 20);  // sigmoid: the left mode has 1e-9 of the mass instead of a third
}
