#include <boost/test/unit_test.hpp>
#include <string>

#include "autodiff/archive.hpp"
#include "autodiff/parallel.hpp"
#include "tests/train/methods.hpp"

using namespace eqp;
using namespace eqp::train;

// A training that is stopped after some steps and goes on in another process, which has made
// everything anew, against one that was never stopped.
namespace {

constexpr std::uint32_t kSteps = 9;
constexpr std::size_t kBatch = 40;

/// Keeps the state in memory; stops the loop after `stop_after` steps of its own.
class Memory final : public ad::Keeper {
 public:
  std::string kept;
  std::size_t stop_after = kSteps, steps = 0;

  void restore(const ad::State& state) override {
    if (kept.empty()) return;
    for (const auto pass : {ad::Archive::Pass::look, ad::Archive::Pass::read}) {
      ad::Archive a(kept, pass);
      state(a);
      a.finish();
    }
  }
  bool offer(const ad::State& state) override {
    keep(state);
    return ++steps < stop_after;
  }
  void keep(const ad::State& state) override {
    ad::Archive a;
    state(a);
    kept = a.bytes();
  }
};

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
