#include "train/balance.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "flows/realnvp.hpp"
#include "tests/message.hpp"
#include "tests/train/support.hpp"
#include "train/adaptive_flow.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

const BalanceOptions kQuick{.on = true, .most_flow_updates = 3, .least_pace = 0.25, .every = 2};

}  // namespace

BOOST_AUTO_TEST_CASE(the_flow_gets_updates_first_and_then_the_energy_slows_down) {
  Balance balance(kQuick, 1, 32);
  const auto watch = [&](double moves, double ess) {
    BOOST_TEST(balance.watch(moves, ess) == "");  // the first of two
    return balance.watch(moves, ess);
  };
  BOOST_TEST(watch(0.3, 8) == "");
  BOOST_TEST(watch(0.05, 8) ==
             "i-SIR moves 0.05 of its steps with weights worth 8 particles: 2 flow updates per "
             "update from here on, the energy at 1 of its learning rate");
  BOOST_TEST(watch(0.05, 8) != "");
  BOOST_TEST(balance.flow_updates() == 3u);
  BOOST_TEST(balance.pace() == 1);
  for (const double pace : {0.5, 0.25}) {
    BOOST_TEST(watch(0.9, 1.2) != "");  // few particles count, though they are moved to
    BOOST_TEST(balance.pace() == pace);
  }
  BOOST_TEST(watch(0.01, 1) == "");  // no further
  BOOST_TEST(balance.pace() == 0.25);
  BOOST_TEST(watch(0.15, 9) == "");  // neither too little nor plenty
  for (const double pace : {0.5, 1.0}) {
    BOOST_TEST(watch(0.5, 9) != "");
    BOOST_TEST(balance.pace() == pace);
  }
  BOOST_TEST(watch(0.5, 9) != "");
  BOOST_TEST(watch(0.5, 9) != "");
  BOOST_TEST(balance.flow_updates() == 1u);
  BOOST_TEST(watch(0.5, 9) == "");  // the usual number again
}

BOOST_AUTO_TEST_CASE(balance_looks_at_means_and_not_at_chains_without_global_moves) {
  Balance balance(kQuick, 2, 32);
  BOOST_TEST(balance.watch(0.02, 5) == "");
  BOOST_TEST(balance.watch(0.2, 5) == "");  // 0.11 on the mean
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int k = 0; k < 4; ++k) BOOST_TEST(balance.watch(nan, nan) == "");
  Balance off({.every = 1}, 1, 32);
  BOOST_TEST(off.watch(0, 1) == "");
}

BOOST_AUTO_TEST_CASE(beside_a_frozen_flow_only_the_energy_slows_down) {
  Balance balance(kQuick, 0, 32);
  for (const double pace : {0.5, 0.25}) {
    BOOST_TEST(balance.watch(0.05, 8) == "");
    BOOST_TEST(balance.watch(0.05, 8) != "");
    BOOST_TEST(balance.pace() == pace);
    BOOST_TEST(balance.flow_updates() == 0u);
  }
}

// An energy whose minimum jumps to and fro by far more than a flow of one slow update can follow.
BOOST_AUTO_TEST_CASE(adaptive_flow_holds_back_an_energy_that_runs_away) {
  ad::Params params, flow_params;
  const ad::Param theta =
      params.add("theta", {2}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
  const flows::Flow flow =
      flows::realnvp(flow_params, "flow", 2, {.blocks = 1, .hidden = {4}}, {1});
  const mcmc::Energy energy =
      tilted([=](ad::Var x) { return sum(x * theta.on(*x.tape), 1); }, flow);
  // Means of data 6 standard deviations of the base away.
  const Objective objective =
      adaptive_flow(energy, gaussian_data({6, 0}, 1, {2}), flow, flow_params,
                    {.batch = 32,
                     .bank = 64,
                     .particles = 4,
                     .local_steps = 1,
                     .cycles = 1,
                     .flow_learning_rate = constant(1e-6),
                     .balance = kQuick,
                     .key = {3}});
  std::vector<std::string> events;
  double pace = 1, before = 0, moved = 0;
  fit(params, objective, sgd(), {.steps = 60, .learning_rate = constant(0.5)},
      [&](std::uint32_t, const StepLog& log) {
        events.insert(events.end(), log.events.begin(), log.events.end());
        pace = log.energy_pace;
        moved = std::abs(params.values()[0] - before) / (0.5 * log.gradient_norm);
        before = params.values()[0];
        return true;
      });
  BOOST_TEST(events.size() >= 4u);
  BOOST_TEST(events.at(0).starts_with("step "));
  BOOST_TEST(pace == 0.25);
  BOOST_TEST(moved <= 0.25 * 1.001);  // by this share of the gradient
}

BOOST_AUTO_TEST_CASE(balance_refuses_what_makes_no_sense) {
  const auto refused = [](BalanceOptions o) {
    return eqp::test::refusal([&] { Balance(o, 1, 32); }).starts_with("balance: least_moves");
  };
  BOOST_TEST(!refused({}));
  BOOST_TEST(refused({.least_moves = 0}));
  BOOST_TEST(refused({.least_moves = 0.5}));
  BOOST_TEST(refused({.least_ess = 0.5}));
  BOOST_TEST(refused({.most_flow_updates = 0}));
  BOOST_TEST(refused({.least_pace = 0}));
  BOOST_TEST(refused({.every = 0}));
}

// i-SIR among n particles moves by at most (n - 1) / n of its steps, with weights worth n.
BOOST_AUTO_TEST_CASE(balance_refuses_what_could_never_be_taken_back) {
  const auto refused = [](std::size_t particles, BalanceOptions o) {
    return eqp::test::refusal([&] { Balance(o, 1, particles); });
  };
  BOOST_TEST(refused(3, {.on = true}) ==
             "balance: least_moves 0.1, least_ess 1.5, most_flow_updates 5, least_pace 0.015625, "
             "every 50, 3 particles; need shares between 0 and 1, an ESS and counts of at least 1, "
             "and twice the least moves and ESS within what so many particles reach");
  BOOST_TEST(refused(4, {.on = true}) == "");
  BOOST_TEST(refused(2, {}) == "");
  BOOST_TEST(refused(32, {.on = true, .least_ess = 16}) != "");
  BOOST_TEST(refused(32, {.on = true, .least_ess = 15.9}) == "");
  BOOST_TEST(refused(32, {.on = true, .least_moves = 0.49}) != "");
  BOOST_TEST(refused(32, {.on = true, .least_moves = 0.48}) == "");
}
