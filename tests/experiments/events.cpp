#include "experiments/common/events.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "experiments/common/robustness.hpp"
#include "tests/experiments/support.hpp"

using namespace eqp;
using namespace eqp::test;

// A training whose data have an infinity at step 120, once.
BOOST_AUTO_TEST_CASE(a_training_tells_that_it_went_back) {
  const ad::Key key{3};
  Ebm ebm({.hidden = {4}}, key.fork(0));
  MethodSettings settings{.batch = 16, .steps = 130};
  make_robust(settings);
  const train::Rows data(ad::normal({64, 2}, key.fork(1)));
  train::Objective objective = make_objective("cd", ebm, data, settings, key.fork(2));
  bool broken = false;
  objective.feed = [&, feed = objective.feed](std::uint32_t t, std::span<const ad::View> in,
                                              train::StepLog& log) {
    feed(t, in, log);
    if (t == 120 && !std::exchange(broken, true)) {
      in[0][0] = std::numeric_limits<Real>::infinity();
    }
  };
  Events events;
  std::vector<std::uint32_t> steps;
  fit(ebm, objective, settings, [&](std::uint32_t step, const train::StepLog& log) {
    events.add(log);
    steps.push_back(step);
    return true;
  });
  BOOST_TEST(steps.size() == 250u);  // up to 120, and again from 0: the older state
  BOOST_TEST(steps.back() == 130u);
  BOOST_TEST(events.count() == 1u);

  const Scratch scratch;
  Arguments arguments{"--quiet", "--out", scratch.path / "run"};
  const Cli cli(arguments.argc(), arguments.argv.data(), "A demonstration");
  const RunFolder folder(cli);
  Report report("A title", "A description.");
  Events().tell("nothing", folder, report);
  BOOST_TEST(!fs::exists(folder.path() / "events_nothing.txt"));
  events.tell("cd", folder, report);
  const std::string lines = read(folder.path() / "events_cd.txt");
  BOOST_TEST(lines.starts_with("step 120: "), lines);
  BOOST_TEST(lines.find("back at step 0 with 0.5 of the learning rates, retry 1 of 3\n") !=
             std::string::npos);
  BOOST_TEST(report.html().find("cd looked after itself 1 time,") != std::string::npos);
}
