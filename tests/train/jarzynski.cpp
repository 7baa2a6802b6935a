#include "train/jarzynski.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "flows/base.hpp"
#include "tests/message.hpp"
#include "tests/train/two_modes.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// Chains that walk and do not hop.
AdaptiveFlowOptions walking(std::size_t bank, double resample_below) {
  return {.batch = 256,
          .bank = bank,
          .global_steps = 0,
          .local_steps = 2,
          .cycles = 1,
          .flow_updates = 0,
          .jarzynski = {.on = true, .resample_below = resample_below, .every = 1},
          .key = {2}};
}

double weighted_share_on_the_right(const Inputs& inputs) {
  double right = 0, all = 0;
  for (std::size_t i = 0; i < inputs.tensors[1].rows(); ++i) {
    const double w = inputs.tensors[2][i];
    all += w;
    right += w * (inputs.tensors[1](i, 0) > 0);
  }
  return right / all;
}

}  // namespace

// A state on the right weighs exp(theta), one on the left 1, wherever theta has been before.
BOOST_AUTO_TEST_CASE(weights_of_chains_that_stay_in_their_modes_are_those_of_the_modes) {
  TwoModesModel m;
  const Objective objective =
      adaptive_flow(m.energy, two_modes_data, m.flow, m.flow_params, walking(1000, 0));
  const double right = share_on_the_right(objective.chains->starts());
  BOOST_TEST(std::abs(right - 0.5) < 0.05);
  Inputs inputs(objective);
  for (std::uint32_t t = 0; t <= 20; ++t) {
    const double theta = 0.1 * t * (t % 2 == 0 ? 1 : -1);
    m.params.mutate()[0] = Real(theta);
    const StepLog log = inputs.feed(objective, t);
    const double batch = share_on_the_right(inputs.tensors[1]);
    const double expected = batch * std::exp(theta) / (batch * std::exp(theta) + 1 - batch);
    BOOST_TEST(std::abs(weighted_share_on_the_right(inputs) - expected) < 1e-5);
    BOOST_TEST(std::abs(log.log_z - std::log(right * std::exp(theta) + 1 - right)) < 1e-5);
    const double ess = std::pow(right * std::exp(theta) + 1 - right, 2) /
                       (right * std::exp(2 * theta) + 1 - right);
    BOOST_TEST(std::abs(log.chain_ess - ess) < 1e-5);
  }
}

// Three chains of 10 states make 25 negatives, of which the first has 5.
BOOST_AUTO_TEST_CASE(weights_have_a_mean_of_1_over_rows_that_chains_do_not_divide) {
  TwoModesModel m;
  AdaptiveFlowOptions options = walking(100, 0);
  options.batch = 25, options.cycles = 5, options.negatives = Negatives::all;
  const Objective objective =
      adaptive_flow(m.energy, two_modes_data, m.flow, m.flow_params, options);
  Inputs inputs(objective);
  for (std::uint32_t t = 0; t <= 20; ++t) {
    m.params.mutate()[0] = Real(0.1 * t);
    inputs.feed(objective, t);
    const std::span<const Real> w = inputs.tensors[2].flat();
    BOOST_TEST(std::abs(std::accumulate(w.begin(), w.end(), 0.0) / 25 - 1) < 1e-6);
    const double batch = share_on_the_right(inputs.tensors[1]), right = batch * std::exp(0.1 * t);
    BOOST_TEST(std::abs(weighted_share_on_the_right(inputs) - right / (right + 1 - batch)) < 1e-5);
  }
}

// Without weights theta grows for ever: see two_modes.cpp.
BOOST_AUTO_TEST_CASE(weights_alone_find_those_of_two_modes) {
  for (const double resample_below : {0.0, 0.9}) {
    TwoModesModel m;
    const Objective objective = adaptive_flow(m.energy, two_modes_data, m.flow, m.flow_params,
                                              walking(2048, resample_below));
    double log_z = 0, now = 0, least_ess = 1;
    const Objective watched = [&] {
      Objective o = objective;
      o.feed = [&, feed = objective.feed](std::uint32_t t, std::span<const ad::View> in,
                                          StepLog& log) {
        feed(t, in, log);
        log_z = log.log_z;
        now = m.params.values()[0];
        least_ess = std::min(least_ess, log.chain_ess);
      };
      return o;
    }();
    const Mean theta = trained(m.params, watched, {0.5, 60, 600})[0];
    // The bank's own share on the right is 1/2 with a standard error of 0.011, which moves theta by
    // four times as much, and log Z by 2/3 of it.
    BOOST_TEST(std::abs(theta.value() - std::log(2)) < 4 * 4 * 0.011);
    BOOST_TEST(std::abs(log_z - std::log((1 + std::exp(now)) / 2)) < 4 * 2. / 3 * 0.011);
    // (1 + 1/2)^2 / (1/2 (4 + 1)) at theta = log 2: below 0.9 only on the way.
    BOOST_TEST(least_ess < 0.92);
  }
}

// With base N(0, I) and E = theta . x: log Z = |theta|^2 / 2, and states that begin around 0 and
// hardly move have to be weighted to a mean of -theta.
BOOST_AUTO_TEST_CASE(the_mean_weight_is_the_normaliser) {
  ad::Params params;
  const ad::Param theta =
      params.add("theta", {2}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
  const mcmc::Energy base = [](ad::Var x) {
    return 0.5 * sum(square(x), 1) + std::log(2 * std::numbers::pi);
  };
  const mcmc::Energy energy = [=](ad::Var x) { return base(x) + sum(x * theta.on(*x.tape), 1); };
  const std::size_t n = 4000;
  Bank bank(n, 2, [](ad::View out, ad::Key key, std::uint32_t) { ad::BlockRng{key}.normal(out); },
            {3});
  for (const double resample_below : {0.0, 0.6}) {
    std::ranges::fill(params.mutate(), Real(0));
    Bank own = bank;
    JarzynskiWeights weights(energy, base, own.states(),
                             {.resample_below = resample_below, .every = 1}, {4});
    // n times the variance of log Z: that of the weights since they were last made equal, and what
    // they had come to before.
    double before = 0, unequal = 0;
    for (std::uint32_t t = 1; t <= 10; ++t) {
      params.mutate()[0] = Real(0.08 * t);
      params.mutate()[1] = Real(-0.06 * t);
      weights.look(t, own);
      unequal = before + 1 / weights.ess() - 1;
      const double expected = 0.5 * (0.08 * 0.08 + 0.06 * 0.06) * t * t;
      BOOST_TEST(std::abs(weights.log_z() - expected) < 4 * std::sqrt(unequal / double(n)));
      if (weights.ess() < resample_below) before = unequal;
    }
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), 0);
    const std::vector<double> w = weights.of(all);
    double mean[2] = {}, total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      total += w[i];
      for (std::size_t j = 0; j < 2; ++j) mean[j] += w[i] * own.states()(i, j) / double(n);
    }
    BOOST_TEST(std::abs(total / double(n) - 1) < 1e-6);
    // Squared weights are those of -2 theta, around which the variance is 1.
    for (const auto& [found, expected] : {std::pair(mean[0], -0.8), std::pair(mean[1], 0.6)}) {
      const double variance = (1 + unequal) * (1 + expected * expected);
      BOOST_TEST(std::abs(found - expected) < 4 * std::sqrt(variance / double(n)));
    }
    // exp(-|theta|^2) = 0.37 without resampling.
    BOOST_TEST((resample_below > 0) == (weights.ess() > 0.45));
  }
}

BOOST_AUTO_TEST_CASE(jarzynski_refuses_what_makes_no_sense) {
  const mcmc::Energy energy = [](ad::Var x) { return sum(square(x), 1); };
  const ad::Tensor states = ad::normal({3, 2}, {.seed = 1});
  const auto refusal = [&](const JarzynskiOptions& o) {
    return eqp::test::refusal([&] { JarzynskiWeights(energy, energy, states, o, {}); });
  };
  BOOST_TEST(refusal({.resample_below = 1.5}).starts_with("jarzynski: resample_below 1.5"));
  BOOST_TEST(refusal({.every = 0}) != "");
  BOOST_TEST(refusal({}) == "");
}

// Its weight is 1, whatever the energy has done.
BOOST_AUTO_TEST_CASE(weights_of_a_single_chain_are_refused) {
  TwoModesModel m;
  AdaptiveFlowOptions options = walking(100, 0);
  options.batch = 10, options.cycles = 5, options.negatives = Negatives::all;
  const auto refusal = [&] {
    return eqp::test::refusal(
        [&] { adaptive_flow(m.energy, two_modes_data, m.flow, m.flow_params, options); });
  };
  BOOST_TEST(refusal() ==
             "adaptive_flow: Jarzynski weights of 1 chain per update: need at least 2");
  options.jarzynski.on = false;
  BOOST_TEST(refusal() == "");
  options.jarzynski.on = true, options.batch = 11;
  BOOST_TEST(refusal() == "");
}
