#include "train/roll_back.hpp"

#include <boost/test/unit_test.hpp>

#include "flows/base.hpp"
#include "tests/memory.hpp"
#include "tests/message.hpp"
#include "tests/train/support.hpp"
#include "train/adaptive_flow.hpp"
#include "train/cd.hpp"
#include "train/coop_flow.hpp"
#include "train/nt_ebm.hpp"
#include "train/pcd.hpp"

using namespace eqp;
using namespace eqp::train;
using eqp::test::Memory;

namespace {

// theta^2 / 2 by gradient descent at a rate r: theta -> (1 - r) theta.
struct Model {
  ad::Params params;
  ad::Param theta = scalar(params, "theta", 1);
  Objective objective{.name = "model",
                      .batch = 1,
                      .row_shapes = {{1}},
                      .loss =
                          [this](std::span<const ad::Var> in) {
                            const ad::Var p = theta.on(*in[0].tape);
                            return sum(0.5 * square(p) + 0 * in[0], 1);
                          },
                      .feed = [](std::uint32_t, std::span<const ad::View>, StepLog&) {},
                      .after = {},
                      .archive = {}};
};

struct Seen {
  std::vector<std::uint32_t> steps;
  std::vector<double> theta, pace;
  std::vector<std::string> events;
};

FitOptions options(double rate, std::uint32_t retries) {
  return {.steps = 14,
          .learning_rate = constant(rate),
          .roll_back = {.retries = retries, .every = 3, .largest_loss = 1e4}};
}

Seen run(const FitOptions& o) {
  Model m;
  Seen seen;
  fit(m.params, m.objective, sgd(), o, [&](std::uint32_t step, const StepLog& log) {
    seen.steps.push_back(step);
    seen.theta.push_back(m.params.values()[0]);
    seen.pace.push_back(log.pace);
    seen.events.insert(seen.events.end(), log.events.begin(), log.events.end());
    return true;
  });
  return seen;
}

// theta grows by the learning rate at every step; beyond 3.5 the energy of every chain overflows.
struct Overflowing {
  ad::Params params, flow_params;
  ad::Param theta = scalar(params, "theta", 0);
  flows::Flow flow{std::make_shared<flows::TrainableGaussian>(flow_params, "flow", 2), {}};
  mcmc::Energy energy = [this](ad::Var x) {
    return 0.5 * sum(square(x), 1) * (1 + exp(2000 * (theta.on(*x.tape) - 3.5)));
  };

  std::vector<Objective> methods() {
    const DataSource data = gaussian_data({0, 0}, 1, {1});
    std::vector<Objective> methods{
        cd(energy, data, {.dim = 2, .batch = 20, .key = {2}}),
        pcd(energy, data, 40, base_sampler(flow), {.dim = 2, .batch = 20, .key = {2}}),
        coop_flow(energy, data, flow, flow_params, {.batch = 20, .key = {2}}),
        nt_ebm(energy, data, flow, {.batch = 20, .bank = 40, .key = {2}}),
        adaptive_flow(energy, data, flow, flow_params, {.batch = 20, .bank = 40, .key = {2}})};
    for (Objective& method : methods) {
      method.loss = [this](std::span<const ad::Var> in) {
        return sum(0 * in[0] - 0.5 * theta.on(*in[0].tape), 1);
      };
    }
    return methods;
  }
};

Seen run_overflowing(std::size_t method, ad::Keeper* keeper) {
  Overflowing m;
  Seen seen;
  fit(m.params, m.methods()[method], sgd(),
      {.steps = 6,
       .learning_rate = constant(1),
       .roll_back = {.retries = 1, .every = 2},
       .keeper = keeper},
      [&](std::uint32_t step, const StepLog& log) {
        seen.steps.push_back(step);
        seen.theta.push_back(m.params.values()[0]);
        seen.events.insert(seen.events.end(), log.events.begin(), log.events.end());
        return true;
      });
  return seen;
}

}  // namespace

// theta = (-3)^t: the loss of step 5 is 3^10 / 2 = 29524.5. Of the states at 0 and 3 the older one
// is gone back to, and from there theta = (-1)^t with half the rate.
BOOST_AUTO_TEST_CASE(a_training_that_diverges_goes_back_and_slows_down) {
  const Seen seen = run(options(4, 1));
  const std::vector<std::uint32_t> steps{1, 2, 3, 4, 5,  1,  2,  3,  4, 5,
                                         6, 7, 8, 9, 10, 11, 12, 13, 14};
  BOOST_TEST(seen.steps == steps, boost::test_tools::per_element());
  for (std::size_t i = 0; i < seen.steps.size(); ++i) {
    const double factor = i < 5 ? -3 : -1;
    BOOST_TEST(seen.theta[i] == std::pow(factor, seen.steps[i]));
    BOOST_TEST(seen.pace[i] == (i < 5 ? 1 : 0.5));
  }
  BOOST_REQUIRE(seen.events.size() == 1u);
  BOOST_TEST(seen.events[0] ==
             "step 5: a loss of 29524.5, beyond 10000; back at step 0 with 0.5 of the learning "
             "rates, retry 1 of 1");
}

BOOST_AUTO_TEST_CASE(the_older_of_two_states_is_gone_back_to) {
  Model m;
  m.params.mutate()[0] = Real(1e-3);
  FitOptions o = options(4, 3);
  std::vector<std::string> events;
  std::vector<std::uint32_t> steps;
  fit(m.params, m.objective, sgd(), o, [&](std::uint32_t step, const StepLog& log) {
    events.insert(events.end(), log.events.begin(), log.events.end());
    steps.push_back(step);
    return true;
  });
  // 1e-6 3^(2 t) / 2 > 1e4 at t = 11, when the states of 6 and 9 are kept.
  BOOST_REQUIRE(events.size() == 1u);
  BOOST_TEST(events[0].starts_with("step 11: "));
  BOOST_TEST(events[0].find("back at step 6 ") != std::string::npos);
  BOOST_TEST(steps.back() == 14u);
}

BOOST_AUTO_TEST_CASE(retries_are_bounded) {
  const auto error = [](const FitOptions& o) {
    return eqp::test::message<std::runtime_error>([&] { run(o); });
  };
  BOOST_TEST(error(options(4, 0)) == "step 5: a loss of 29524.5, beyond 10000");
  // 19, 9 and 4 times as large at every step.
  const std::string twice = error(options(20, 2));
  BOOST_TEST(twice.ends_with(", after 2 retries"), twice);
  BOOST_TEST(error(options(20, 4)) == "");
}

BOOST_AUTO_TEST_CASE(a_run_resumes_after_its_roll_backs_with_the_same_bits) {
  const Seen whole = run(options(20, 4));
  for (const std::size_t stop : {1, 3, 4, 6, 9, 13}) {
    Memory memory;
    memory.stop_after = stop;
    FitOptions o = options(20, 4);
    o.keeper = &memory;
    Seen part = run(o);
    BOOST_TEST(part.steps.size() == stop);
    memory.stop_after = std::size_t(-1);
    const Seen rest = run(o);
    part.theta.insert(part.theta.end(), rest.theta.begin(), rest.theta.end());
    part.steps.insert(part.steps.end(), rest.steps.begin(), rest.steps.end());
    BOOST_TEST(part.theta == whole.theta, boost::test_tools::per_element());
    BOOST_TEST(part.steps == whole.steps, boost::test_tools::per_element());
  }
}

// In a process that has just begun, and whose chains are set for the first time.
BOOST_AUTO_TEST_CASE(a_resumed_training_goes_back_where_the_unbroken_one_does) {
  for (std::size_t method = 0; method < Overflowing().methods().size(); ++method) {
    BOOST_TEST_CONTEXT(Overflowing().methods()[method].name) {
      const Seen whole = run_overflowing(method, nullptr);
      BOOST_REQUIRE(whole.events.size() == 1u);
      BOOST_TEST(whole.events[0].starts_with("step 4: "));
      BOOST_TEST(whole.theta.back() == 4);
      Memory memory;
      memory.stop_after = 4;
      BOOST_TEST(run_overflowing(method, &memory).theta.back() == 4);
      memory.stop_after = std::size_t(-1);
      const Seen rest = run_overflowing(method, &memory);
      BOOST_TEST(rest.events == whole.events, boost::test_tools::per_element());
      BOOST_TEST(rest.theta == std::vector<double>(whole.theta.begin() + 4, whole.theta.end()),
                 boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(roll_back_refuses_what_makes_no_sense) {
  const auto refused = [](RollBackOptions o) {
    return eqp::test::refusal([&] { RollBack{o}; }).starts_with("roll-back: ");
  };
  BOOST_TEST(!refused({}));
  BOOST_TEST(refused({.every = 0}));
  BOOST_TEST(refused({.slow_down = 1}));
  BOOST_TEST(refused({.largest_loss = 0}));
}
