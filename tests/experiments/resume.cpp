#include <boost/test/unit_test.hpp>
#include <cmath>

#include "experiments/common/checkpoint.hpp"
#include "experiments/common/cli.hpp"
#include "experiments/common/finished.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/stopwatch.hpp"
#include "tests/experiments/support.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

/// A task of ten steps: sums their squares and logs them.
struct Task {
  std::uint32_t step = 0;
  double sum = 0;

  /// Runs up to `end`, as if killed there.
  void run(RunFolder& folder, std::uint32_t end, std::size_t group = 0) {
    double seen = sum;  // what the caller keeps
    Checkpoint checkpoint(folder, "task/" + std::to_string(group), group,
                          [&](ad::Archive& a) { a("seen", seen); });
    const ad::State state = [&](ad::Archive& a) {
      a("step", step);
      a("sum", sum);
    };
    checkpoint.restore(state);
    BOOST_TEST(seen == sum);
    while (step < end) {
      ++step;
      sum += double(step) * step;
      seen = sum;
      folder.log(group, {{"group", group}, {"step", step}, {"sum", sum}});
      checkpoint.offer(state);
    }
  }
};

/// Parses the words with an option of the experiment's own, and does something with the folder.
template <class F>
void demo(std::initializer_list<std::string> words, F f) {
  const Arguments arguments(words);
  Cli cli(arguments.argc(), arguments.argv.data(), "A demonstration");
  cli.get("sigma", 0.3, "noise level");
  cli.done();
  RunFolder folder(cli);
  f(folder);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resume)

BOOST_AUTO_TEST_CASE(a_run_goes_on_from_its_last_state_with_its_metrics) {
  const Scratch scratch;
  const std::string whole = scratch.path / "whole", cut = scratch.path / "cut";
  demo({"--out", whole}, [](RunFolder& folder) {
    Task().run(folder, 10, 0);
    Task().run(folder, 10, 1);
    folder.summary({});
  });
  // Kept after steps 3 and 6; killed after 8, and before the second task began.
  demo({"--out", cut, "--checkpoint-every", "3"}, [](RunFolder& folder) { Task().run(folder, 8); });
  demo({"--out", cut, "--resume"}, [](RunFolder& folder) {
    Task first, second;
    first.run(folder, 6);
    BOOST_TEST(first.sum == 91);
    first.run(folder, 10);
    second.run(folder, 10, 1);
    BOOST_TEST(first.sum == 385);
    folder.summary({});
  });
  BOOST_TEST(read(fs::path(cut) / "metrics.csv") == read(fs::path(whole) / "metrics.csv"));
}

BOOST_AUTO_TEST_CASE(a_run_that_has_not_begun_begins) {
  const Scratch scratch;
  const std::string out = scratch.path / "run";
  const auto begins = [](RunFolder& folder) {
    Task task;
    task.run(folder, 2);
    BOOST_TEST(task.sum == 5);
  };
  demo({"--out", out, "--resume"}, begins);
  fs::remove_all(out);
  fs::create_directories(fs::path(out) / "figures");
  demo({"--out", out, "--resume"}, begins);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_gone_on_with_is_refused_in_one_line) {
  const Scratch scratch;
  const std::string out = scratch.path / "run";
  const auto nothing = [](RunFolder&) {};
  const auto resumed = [&](std::initializer_list<std::string> words) {
    return refusal([&] { demo(words, nothing); });
  };
  demo({"--out", out, "--checkpoint-every", "1"}, [](RunFolder& folder) { Task().run(folder, 4); });
  BOOST_TEST(resumed({"--out", out, "--resume", "--sigma", "0.4"}) ==
             "--resume: " + out + " was begun with --sigma 0.3, not 0.4");
  BOOST_TEST(resumed({"--out", out, "--resume", "--seed", "2"}) ==
             "--resume: " + out + " was begun with --seed 1, not 2");
  BOOST_TEST(resumed({"--out", out, "--resume", "--overwrite"}) ==
             "--resume: goes on with what --overwrite replaces; need one of them");
  BOOST_TEST(resumed({"--out", scratch.path, "--resume"}) ==
             "--resume: " + scratch.path.string() + " is not an earlier run");
  BOOST_TEST(resumed({"--out", out, "--resume", "--threads", "3", "--quiet"}) == "");

  // A damaged state.
  const fs::path state = fs::path(out) / "checkpoint" / "task-0.state";
  const std::string bytes = read(state);
  write(state, bytes.substr(0, bytes.size() - 1));
  const std::string said = refusal([&] {
    demo({"--out", out, "--resume"}, [](RunFolder& folder) { Task().run(folder, 10); });
  });
  BOOST_TEST(said.starts_with(state.string() + ": has "));
  BOOST_TEST(said.ends_with("; the state before it is in " + state.string() + ".previous"));
  BOOST_TEST(read(state).size() == bytes.size() - 1);
  // The one before it is good, once in its place.
  fs::rename(state.string() + ".previous", state);
  demo({"--out", out, "--resume"}, [](RunFolder& folder) {
    Task task;
    task.run(folder, 3);
    BOOST_TEST(task.sum == 14);
  });
}

BOOST_AUTO_TEST_CASE(a_run_that_has_finished_has_nothing_to_go_on_with) {
  const Scratch scratch;
  const std::string out = scratch.path / "run";
  demo({"--out", out}, [](RunFolder& folder) { folder.summary({}); });
  bool told = false;
  try {
    demo({"--out", out, "--resume"}, [](RunFolder&) { BOOST_TEST(false); });
  } catch (const NothingToRun& nothing) {
    told = nothing.text == out + " has finished already\n";
  }
  BOOST_TEST(told);
}

BOOST_AUTO_TEST_CASE(states_are_kept_by_steps_or_seconds) {
  const Scratch scratch;
  const auto kept = [&](const std::string& every) {
    const fs::path out = scratch.path / ("every-" + every);
    demo({"--out", out, "--checkpoint-every", every}, [](RunFolder& f) { Task().run(f, 4); });
    return fs::exists(out / "checkpoint" / "task-0.state");
  };
  BOOST_TEST(kept("4"));
  BOOST_TEST(!kept("5"));
  BOOST_TEST(kept("1e-9s"));
  BOOST_TEST(!kept("3600s"));
  BOOST_TEST(!kept("0"));
  for (const std::string bad : {"s", "-1", "1.5", "5m", "x", "nan", "infs"}) {
    BOOST_TEST(refusal([&] { kept(bad); }).starts_with("--checkpoint-every " + bad + ": need"));
  }
}

BOOST_AUTO_TEST_CASE(tasks_that_had_finished_are_not_done_again) {
  const Scratch scratch;
  const std::string whole = scratch.path / "whole", cut = scratch.path / "cut";
  std::vector<int> worked;
  // An infinity, which JSON does not have, and numbers that text might round.
  const auto rows = [&](int task) {
    worked.push_back(task);
    return std::vector<Row>{{{"task", task}, {"value", 1.0 / task}},
                            {{"task", task}, {"value", HUGE_VAL}}};
  };
  const auto run = [&](RunFolder& folder, int end) {
    Finished finished(folder);
    for (int task = 1; task <= end; ++task) {
      const std::vector<Row> got =
          finished.rows("task/" + std::to_string(task), [&] { return rows(task); });
      BOOST_TEST(got.size() == 2u);
      BOOST_TEST(got[0]["value"].get<double>() == 1.0 / task);
      BOOST_TEST(got[1]["value"].get<double>() == HUGE_VAL);
    }
  };
  demo({"--out", whole}, [&](RunFolder& folder) {
    run(folder, 5);
    folder.summary({});
  });
  // Kept after the second task, killed after the third.
  demo({"--out", cut, "--checkpoint-every", "2"}, [&](RunFolder& folder) { run(folder, 3); });
  worked.clear();
  demo({"--out", cut, "--resume"}, [&](RunFolder& folder) {
    run(folder, 5);
    folder.summary({});
  });
  BOOST_TEST(worked == (std::vector{3, 4, 5}), boost::test_tools::per_element());
  BOOST_TEST(read(fs::path(cut) / "metrics.csv") == read(fs::path(whole) / "metrics.csv"));
}

BOOST_AUTO_TEST_CASE(a_stopwatch_counts_what_an_earlier_process_took) {
  Stopwatch before;
  while (before.seconds() < 0.02) {
  }
  ad::Archive written;
  before.archive(written);
  Stopwatch after;
  BOOST_TEST(after.seconds() < before.seconds());
  ad::Archive reader(written.bytes(), ad::Archive::Pass::read);
  after.archive(reader);
  BOOST_TEST(after.seconds() >= 0.02);
}

BOOST_AUTO_TEST_CASE(a_state_that_cannot_be_kept_does_not_end_the_run) {
  const Scratch scratch;
  const fs::path out = scratch.path / "run";
  demo({"--out", out, "--checkpoint-every", "1"}, [&](RunFolder& folder) {
    Task task;
    task.run(folder, 2);
    const std::string before = read(out / "checkpoint" / "task-0.state");
    fs::create_directories(out / "checkpoint" / "task-0.state.partial" / "in the way");
    task.run(folder, 5);
    BOOST_TEST(task.sum == 55);
    BOOST_TEST((read(out / "checkpoint" / "task-0.state") == before));
  });
}

BOOST_AUTO_TEST_SUITE_END()
