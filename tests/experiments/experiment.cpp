#include "experiments/common/experiment.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <iostream>
#include <sstream>

#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "experiments/common/build_info.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/run_folder.hpp"
#include "tests/experiments/support.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

struct Outcome {
  int code;
  std::string said, printed;
};

/// Runs an experiment with its two streams caught.
Outcome outcome(std::initializer_list<std::string> words, const std::function<void(Cli&)>& body) {
  Arguments arguments(words);
  std::ostringstream said, printed;
  auto* err = std::cerr.rdbuf(said.rdbuf());
  auto* out = std::cout.rdbuf(printed.rdbuf());
  const int code = experiment(arguments.argc(), arguments.argv.data(), "A demonstration", body);
  std::cerr.rdbuf(err);
  std::cout.rdbuf(out);
  return {code, said.str(), printed.str()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(experiments)

BOOST_AUTO_TEST_CASE(an_error_is_one_line_and_an_exit_code) {
  const auto bad_input = outcome({}, [](Cli&) { throw std::invalid_argument("data.csv: empty"); });
  BOOST_TEST(bad_input.code == 2);
  BOOST_TEST(bad_input.said == "demo: data.csv: empty\n");
  const auto failed = outcome({}, [](Cli&) { throw std::runtime_error("loss is NaN"); });
  BOOST_TEST(failed.code == 1);
  BOOST_TEST(failed.said == "demo: loss is NaN\n");
  const auto option = outcome({"--seed", "x"}, [](Cli&) { BOOST_TEST(false); });
  BOOST_TEST(option.code == 2);
  BOOST_TEST(option.said == "demo: --seed x: expected a number\n");
  BOOST_TEST(outcome({}, [](Cli&) {}).code == 0);
}

BOOST_AUTO_TEST_CASE(help_is_printed_and_is_no_error) {
  const auto help = outcome({"--help"}, [](Cli& cli) {
    cli.done();
    BOOST_TEST(false);
  });
  BOOST_TEST(help.code == 0);
  BOOST_TEST(help.printed.starts_with("A demonstration"));
  BOOST_TEST(help.said == "");
}

BOOST_AUTO_TEST_CASE(a_profile_is_printed_and_kept_with_the_run) {
  const Scratch scratch;
  const std::string out = scratch.path / "run", other = scratch.path / "other";
  const auto program = [] {
    ad::evaluate([](std::span<const ad::Var> in) { return ad::Vars{exp(in[0])}; },
                 {ad::Tensor({3})});
  };
  const auto run = outcome({"--profile", "--out", out}, [&](Cli& cli) {
    const RunFolder folder(cli);
    program();
  });
  BOOST_TEST(run.code == 0);
  BOOST_TEST(run.printed.find("programs took ") != std::string::npos);
  BOOST_TEST(run.printed.find("\nexp ") != std::string::npos);
  BOOST_TEST(run.printed.ends_with(read(out + "/profile.txt")));
  // Without --profile nothing is measured, and the old profile goes with the old run.
  const auto plain = outcome({"--overwrite", "--out", out}, [&](Cli& cli) {
    const RunFolder folder(cli);
    program();
  });
  BOOST_TEST(plain.printed == "");
  BOOST_TEST(!std::filesystem::exists(out + "/profile.txt"));
  // Somebody's folder stays as it is when the experiment leaves none.
  std::filesystem::create_directory(other);
  BOOST_TEST(outcome({"--profile", "--out", other}, [&](Cli&) { program(); }).code == 0);
  BOOST_TEST(std::filesystem::is_empty(other));
}

BOOST_AUTO_TEST_CASE(the_other_precision_is_another_executable) {
  const std::string other = build_precision() == "f32" ? "f64" : "f32";
  const auto missing = outcome({"--precision", other}, [](Cli&) { BOOST_TEST(false); });
  BOOST_TEST(missing.code == 2);
  BOOST_TEST(missing.said.find("demo_" + other + " is not built; ./run demo --precision " +
                               other) != std::string::npos);
  BOOST_TEST(outcome({"--precision", std::string(build_precision())}, [](Cli&) {}).code == 0);
}

BOOST_AUTO_TEST_CASE(an_interrupted_run_finishes_its_folder_and_exits_75) {
  const Scratch scratch;
  const std::string out = scratch.path / "run";
  // In a child, for an interrupt is never forgotten.
  const pid_t child = fork();
  if (child == 0) {
    const auto result = outcome({"--out", out}, [](Cli& cli) {
      RunFolder folder(cli);
      if (interrupted()) _exit(1);
      std::raise(SIGINT);
      if (!interrupted()) _exit(1);
      folder.summary({});
    });
    const bool said = result.said ==
                      "interrupted: " + out + " holds what was done; --resume goes on from there\n";
    _exit(said ? result.code : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  BOOST_TEST(WEXITSTATUS(status) == 75);
  BOOST_TEST(Row::parse(read(fs::path(out) / "summary.json"))["interrupted"] == true);
}

BOOST_AUTO_TEST_CASE(every_signal_that_ends_a_job_is_an_interrupt) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const pid_t child = fork();
    if (child == 0) _exit(outcome({}, [&](Cli&) { std::raise(signal); }).code);
    int status = 0;
    waitpid(child, &status, 0);
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 75);
  }
}

BOOST_AUTO_TEST_CASE(a_second_interrupt_ends_the_process) {
  const pid_t child = fork();
  if (child == 0) {
    outcome({}, [](Cli&) {
      std::raise(SIGTERM);
      std::raise(SIGTERM);
    });
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(WTERMSIG(status) == SIGTERM);
}

BOOST_AUTO_TEST_SUITE_END()
