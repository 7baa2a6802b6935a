#include "mcmc/choose_schedule.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "mcmc/independent_mh.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

const ad::Tensor kStart = ad::normal({20, 2}, {.seed = 1});

Schedule choose(const Energy& energy, const Proposal& proposal, double global_cost) {
  return choose_schedule(IndependentMh(energy, proposal), Mala(energy, 2, {.step_size = 0.3}),
                         kStart, {.global_cost = global_cost, .local_cost = 1, .key = {.seed = 2}});
}

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing thrown";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schedules)

BOOST_AUTO_TEST_CASE(a_perfect_proposal_needs_no_local_steps_unless_it_is_dear) {
  const Proposal perfect = gaussian_proposal({0, 0}, {1, 1});
  const Schedule cheap = choose(half_square, perfect, 1);
  BOOST_TEST(cheap.cycle.global_steps == 1u);
  BOOST_TEST(cheap.cycle.local_steps == 0u);
  BOOST_TEST(cheap.trials.size() == 8u);
  BOOST_TEST(cheap.trials[1].global_rate == 1, boost::test_tools::tolerance(1e-5));
  BOOST_TEST(cheap.trials[4].cost == 1 + 5 + 1.0);
  BOOST_TEST_MESSAGE(cheap.reason);
  const Schedule dear = choose(half_square, perfect, 1000);
  BOOST_TEST(dear.cycle.global_steps == 0u);
}

BOOST_AUTO_TEST_CASE(a_poor_proposal_between_modes_is_mixed_with_local_steps) {
  // Proposals are rarely right within a mode, and local steps never leave it.
  const Target target = isotropic_mixture(
      {.weights = {0.3, 0.7}, .means = {{-5, 0}, {5, 1}}, .variances = {0.2, 0.2}});
  const Schedule mixed = choose(target.energy, gaussian_proposal({0, 0}, {6, 6}), 1);
  BOOST_TEST(mixed.cycle.global_steps == 1u);
  for (const ScheduleTrial& t : mixed.trials) {
    BOOST_TEST_MESSAGE(t.cycle.global_steps << " " << t.cycle.local_steps << ": " << t.efficiency);
  }
  BOOST_TEST(mixed.trials[0].efficiency < mixed.trials[2].efficiency);  // local moves alone
}

BOOST_AUTO_TEST_CASE(with_costs_in_evaluations_the_choice_is_a_function_of_the_key) {
  const auto on = [&](std::size_t threads) {
    return ad::with_threads(threads, [] {
      return choose(half_square, gaussian_proposal({0, 1}, {2, 2}), 3);
    });
  };
  const Schedule one = on(1), two = on(2);
  BOOST_TEST(one.cycle.local_steps == two.cycle.local_steps);
  for (std::size_t k = 0; k < one.trials.size(); ++k) {
    BOOST_TEST(one.trials[k].efficiency == two.trials[k].efficiency);
  }
  BOOST_TEST(one.reason == two.reason);
  const Schedule timed =
      choose_schedule(IndependentMh(half_square, gaussian_proposal({0, 1}, {2, 2})),
                      Mala(half_square, 2, {}), kStart, {.moves = 100});
  BOOST_TEST(timed.trials[0].cost > 0);
  BOOST_TEST(timed.reason.find("effective draws per second") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  BOOST_TEST(message([] { check(ScheduleOptions{.cycles = {}}); }) ==
             "choose_schedule: no cycles to try; need at least 1");
  BOOST_TEST(message([] {
               check(ScheduleOptions{.cycles = {{0, 0}}});
             }) == "choose_schedule: a cycle of 0 global and 0 local steps; need at least 1");
  BOOST_TEST(message([] { check(ScheduleOptions{.moves = 0}); }) ==
             "choose_schedule: moves 0; need at least 1");
  BOOST_TEST(message([] { check(ScheduleOptions{.global_cost = 2}); }) ==
             "choose_schedule: costs 2 and 0; need two numbers above 0, or 0 and 0 to measure "
             "seconds");
}

BOOST_AUTO_TEST_SUITE_END()
