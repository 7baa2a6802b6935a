#include <boost/test/unit_test.hpp>
#include <string>

#include "autodiff/parallel.hpp"
#include "flows/maf.hpp"
#include "tests/memory.hpp"
#include "tests/train/methods.hpp"
#include "train/fit_flow.hpp"
#include "train/optimiser.hpp"

using namespace eqp;
using namespace eqp::train;
using eqp::test::Memory;

// A training that is stopped after some steps and goes on in another process, which has made
// everything anew, against one that was never stopped.
namespace {

constexpr std::uint32_t kSteps = 9;
constexpr std::size_t kBatch = 40;

using MakeOptimiser = std::unique_ptr<Optimiser> (*)();

struct Result {
  std::string state;
  std::vector<double> losses;
};

/// Trains the i-th method until it ends or the keeper stops it.
Result train_method(std::size_t i, MakeOptimiser optimiser, Memory& memory) {
  Method method = std::move(all_methods(kBatch)[i]);
  Result result;
  fit(*method.params, method.objective, optimiser(),
      {.steps = kSteps,
       .learning_rate = cosine(1e-2, kSteps),
       .block = 16,
       .ema = 0.9,
       .keeper = &memory},
      [&](std::uint32_t, const StepLog& log) {
        result.losses.push_back(log.loss);
        return true;
      });
  ad::Archive a;
  a("params", *method.params);
  a("flow", *method.flow_params);
  result.state = a.bytes() + memory.kept;
  return result;
}

void check_resume(std::size_t i, MakeOptimiser optimiser, std::size_t stop_after) {
  Memory whole, part;
  const Result expected = train_method(i, optimiser, whole);
  part.stop_after = stop_after;
  Result got = train_method(i, optimiser, part);
  BOOST_TEST(got.losses.size() == stop_after);
  part.stop_after = kSteps;
  part.steps = 0;
  const Result rest = ad::with_threads(3, [&] { return train_method(i, optimiser, part); });
  got.losses.insert(got.losses.end(), rest.losses.begin(), rest.losses.end());
  BOOST_TEST((rest.state == expected.state));
  BOOST_TEST(got.losses == expected.losses, boost::test_tools::per_element());
  // What has ended does nothing more.
  const Result again = train_method(i, optimiser, part);
  BOOST_TEST(again.losses.empty());
  BOOST_TEST((again.state == expected.state));
}

constexpr std::size_t kPerEpoch = 4;

struct Fitted {
  FitToData fit;
  std::vector<Real> values;
};

/// So large a rate that patience ends the fit, after some epochs of kPerEpoch batches.
Fitted fit_data(Memory* memory) {
  ad::Params params;
  const flows::Flow flow = flows::maf(params, "flow", 2, {.transforms = 1, .hidden = {8}}, {1, 0});
  const FitToData fit = fit_to_data(flow, params, ad::normal({20 * (kPerEpoch + 1), 2}, {2, 0}),
                                    {.patience = 3,
                                     .batch = 20,
                                     .validation = 0.2,
                                     .learning_rate = constant(0.1),
                                     .key = {3, 0},
                                     .keeper = memory});
  return {fit, std::vector<Real>(params.values().begin(), params.values().end())};
}

void check_same(const Fitted& a, const Fitted& b) {
  BOOST_TEST(a.values == b.values, boost::test_tools::per_element());
  BOOST_TEST(a.fit.best == b.fit.best);
  BOOST_REQUIRE(a.fit.epochs.size() == b.fit.epochs.size());
  for (std::size_t e = 0; e < a.fit.epochs.size(); ++e) {
    BOOST_TEST(a.fit.epochs[e].train_loss == b.fit.epochs[e].train_loss);
    BOOST_TEST(a.fit.epochs[e].validation_loss == b.fit.epochs[e].validation_loss);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resume)

BOOST_AUTO_TEST_CASE(every_method_goes_on_with_the_bits_it_would_have_had) {
  const std::vector<Method> methods = all_methods(kBatch);
  for (std::size_t i = 0; i < methods.size(); ++i) {
    BOOST_TEST_CONTEXT(methods[i].name) {
      for (const std::size_t stop_after : {1, 5})
        check_resume(
            i, [] { return adam(); }, stop_after);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_optimiser_goes_on_with_the_bits_it_would_have_had) {
  const MakeOptimiser optimisers[] = {[] { return sgd({.momentum = 0.9}); }, [] { return adamw(); },
                                      [] { return adamax(); }, [] { return lion(); }};
  for (const MakeOptimiser optimiser : optimisers) check_resume(0, optimiser, 4);
}

BOOST_AUTO_TEST_CASE(a_training_that_ended_early_stays_ended) {
  Memory memory;
  const auto run = [&] {
    Method method = std::move(all_methods(kBatch)[0]);
    return fit(*method.params, method.objective, adam(), {.steps = kSteps, .keeper = &memory},
               [](std::uint32_t step, const StepLog&) { return step < 4; });
  };
  BOOST_TEST(run() == 4u);
  BOOST_TEST(run() == 4u);
}

BOOST_AUTO_TEST_CASE(a_fit_to_data_goes_on_within_an_epoch_and_between_two) {
  const Fitted whole = fit_data(nullptr);
  BOOST_TEST(whole.fit.epochs.size() == whole.fit.best + 4);  // patience is part of the state
  for (const std::size_t stop_after : {std::size_t(1), kPerEpoch, 2 * kPerEpoch + 3}) {
    Memory memory;
    memory.stop_after = stop_after;
    BOOST_TEST(fit_data(&memory).fit.epochs.size() == stop_after / kPerEpoch);
    memory.stop_after = std::size_t(-1);
    check_same(whole, ad::with_threads(3, [&] { return fit_data(&memory); }));
    const std::size_t steps = memory.steps;
    check_same(whole, fit_data(&memory));
    BOOST_TEST(memory.steps == steps);
  }
}

BOOST_AUTO_TEST_CASE(the_state_of_another_training_is_refused) {
  Memory memory;
  train_method(
      0, [] { return adam(); }, memory);
  BOOST_CHECK_THROW(train_method(
                        2, [] { return adam(); }, memory),
                    std::invalid_argument);
  BOOST_CHECK_THROW(train_method(
                        0, [] { return lion(); }, memory),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
