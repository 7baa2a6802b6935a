#include "experiments/common/run_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <numeric>

#include "autodiff/parallel.hpp"
#include "experiments/common/earlier_run.hpp"
#include "tests/experiments/support.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

struct Run {
  explicit Run(const fs::path& out, const std::string& more = "--quiet")
      : arguments({"--seed", "7", "--out", out, more}),
        cli(arguments.argc(), arguments.argv.data(), "A demonstration") {}
  Arguments arguments;
  Cli cli;
};

std::size_t partial_files(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    count += entry.path().extension() == ".partial";
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_folder)

BOOST_AUTO_TEST_CASE(config_holds_every_option_and_the_build) {
  const Scratch scratch;
  Run run(scratch.path / "a" / "b");
  run.cli.get("sigma", 0.25, "noise");
  const RunFolder folder(run.cli);
  const Row config = Row::parse(read(folder.path() / "config.json"));
  BOOST_TEST(config["experiment"] == "demo");
  BOOST_TEST(config["options"]["seed"] == 7);
  BOOST_TEST(config["options"]["sigma"] == 0.25);
  BOOST_TEST(config["build"]["precision"] == (sizeof(Real) == 4 ? "f32" : "f64"));
  BOOST_TEST(config["machine"]["threads"].get<int>() >= 1);
  BOOST_TEST(fs::is_directory(folder.path() / "figures"));
}

BOOST_AUTO_TEST_CASE(config_tells_the_rows_of_a_task_once_they_are_known) {
  const Scratch scratch;
  Run run(scratch.path / "run");
  RunFolder folder(run.cli);
  folder.block("b update", 64);
  folder.block("a update", 32);
  folder.block("a chains", 0);
  const Row config = Row::parse(read(folder.path() / "config.json"));
  BOOST_TEST(config["blocks"].dump() == "{\"a update\":32,\"b update\":64}");
  BOOST_TEST(config["experiment"] == "demo");
  BOOST_TEST(folder.configuration() == config);
}

BOOST_AUTO_TEST_CASE(an_existing_folder_is_refused_and_left_as_it_is) {
  const Scratch scratch;
  write(scratch.path / "config.json", "{\"name\": \"somebody else's\"}");
  BOOST_TEST(refusal([&] { RunFolder(Run(scratch.path).cli); }).find("exists;") !=
             std::string::npos);
  BOOST_TEST(refusal([&] {
               RunFolder(Run(scratch.path, "--overwrite").cli);
             }).find("not an earlier run") != std::string::npos);
  BOOST_TEST(read(scratch.path / "config.json") == "{\"name\": \"somebody else's\"}");
}

BOOST_AUTO_TEST_CASE(finish_leaves_the_report_with_the_configuration_and_the_summary) {
  const Scratch scratch;
  Run run(scratch.path / "run");
  run.cli.get("sigma", 0.125, "noise");
  RunFolder folder(run.cli);
  folder.finish(Report("A title", "A description."), {{{"dataset", "two"}}});
  const std::string html = read(folder.path() / "report.html");
  BOOST_TEST(html.find("A title") != std::string::npos);
  BOOST_TEST(html.find("0.125") != std::string::npos);
  BOOST_TEST(Row::parse(read(folder.path() / "summary.json"))["rows"][0]["dataset"] == "two");
}

BOOST_AUTO_TEST_CASE(overwrite_replaces_the_files_of_a_run_and_keeps_others) {
  const Scratch scratch;
  const fs::path out = scratch.path / "run";
  {
    RunFolder first(Run(out).cli);
    first.log(0, {{"step", 1}});
    first.file("report.html", "old");
    first.file("samples_a.npy", "old");
    first.file("events_cd.txt", "old");
    first.file("figures/a.png", "old");
    write(out / "notes.txt", "mine");
  }
  const RunFolder second(Run(out, "--overwrite").cli);
  for (const char* name :
       {"metrics.csv", "report.html", "samples_a.npy", "events_cd.txt", "figures/a.png"})
    BOOST_TEST(!fs::exists(out / name), name);
  BOOST_TEST(read(out / "notes.txt") == "mine");
  BOOST_TEST(fs::exists(out / "config.json"));
}

BOOST_AUTO_TEST_CASE(a_folder_below_a_file_is_refused) {
  const Scratch scratch;
  write(scratch.path / "file", "");
  BOOST_TEST(refusal([&] {
               RunFolder(Run(scratch.path / "file" / "run").cli);
             }).ends_with("file is a file"));
}

BOOST_AUTO_TEST_CASE(metrics_do_not_depend_on_which_training_was_faster) {
  const Scratch scratch;
  const auto metrics = [&](const std::string& name, const std::vector<std::size_t>& order) {
    {
      RunFolder folder(Run(scratch.path / name).cli);
      for (std::size_t step = 0; step < 2; ++step)
        for (const std::size_t group : order)
          folder.log(group, {{"method", group}, {"step", step}, {"loss", 0.1}, {"rate", nullptr}});
    }
    return read(scratch.path / name / "metrics.csv");
  };
  const std::string text = metrics("a", {0, 1, 2});
  BOOST_TEST(text ==
             "method,step,loss,rate\n0,0,0.1,\n0,1,0.1,\n1,0,0.1,\n1,1,0.1,\n2,0,0.1,\n2,1,0.1,\n");
  BOOST_TEST(metrics("b", {2, 0, 1}) == text);
}

BOOST_AUTO_TEST_CASE(metrics_can_be_logged_from_several_threads) {
  const Scratch scratch;
  {
    RunFolder folder(Run(scratch.path / "run").cli);
    ad::with_threads(4, [&] {
      ad::parallel_for(200, [&](std::size_t i) { folder.log(i, {{"i", i}}); });
      return 0;
    });
  }
  std::string expected = "i\n";
  for (int i = 0; i < 200; ++i) expected += std::to_string(i) + "\n";
  BOOST_TEST(read(scratch.path / "run" / "metrics.csv") == expected);
}

BOOST_AUTO_TEST_CASE(metrics_have_fixed_columns_and_quote_text) {
  const Scratch scratch;
  {
    RunFolder folder(Run(scratch.path / "run").cli);
    folder.log(0, {{"name", "a,\"b\""}, {"x", 1.5}});
    BOOST_CHECK_THROW(folder.log(0, {{"x", 1.5}, {"name", "a"}}), std::logic_error);
    BOOST_CHECK_THROW(folder.log(0, {{"name", "a"}}), std::logic_error);
  }
  BOOST_TEST(read(scratch.path / "run" / "metrics.csv") == "name,x\n\"a,\"\"b\"\"\",1.5\n");
}

BOOST_AUTO_TEST_CASE(summary_is_the_rows_with_experiment_seed_and_seconds) {
  const Scratch scratch;
  RunFolder folder(Run(scratch.path / "run").cli);
  const std::vector<Row> rows = {{{"dataset", "c2"}, {"w2", 0.5}}, {{"dataset", "moons"}}};
  folder.summary(rows);
  const Row summary = Row::parse(read(folder.path() / "summary.json"));
  std::string keys;
  for (const auto& [key, value] : summary.items()) keys += key + " ";
  BOOST_TEST(keys == "experiment seed seconds rows ");
  BOOST_TEST(summary["seed"] == 7);
  BOOST_TEST(summary["seconds"].get<double>() >= 0.0);
  BOOST_TEST(summary["rows"] == Row(rows));
}

BOOST_AUTO_TEST_CASE(samples_are_npy_arrays) {
  const Scratch scratch;
  RunFolder folder(Run(scratch.path / "run").cli);
  ad::Tensor x({3, 2});
  std::iota(x.flat().begin(), x.flat().end(), Real(0.5));
  folder.samples("samples_a", x);
  const std::string bytes = read(folder.path() / "samples_a.npy");
  const std::size_t length = bytes.size() - 6 * sizeof(Real);
  BOOST_TEST(length % 64 == 0u);
  BOOST_TEST(bytes.starts_with("\x93NUMPY\x01"));
  BOOST_TEST(static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]) +
                 10u ==
             length);
  BOOST_TEST(bytes[length - 1] == '\n');
  BOOST_TEST(bytes.find("'fortran_order': False, 'shape': (3, 2)") < length);
  BOOST_TEST(bytes.find(sizeof(Real) == 4 ? "'<f4'" : "'<f8'") < length);
  BOOST_TEST(std::memcmp(bytes.data() + length, x.flat().data(), 6 * sizeof(Real)) == 0);
  BOOST_CHECK_THROW(folder.samples("draws", x), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_file_appears_whole_or_not_at_all) {
  const Scratch scratch;
  RunFolder folder(Run(scratch.path / "run").cli);
  const auto fail_halfway = [&](const fs::path& temporary) {
    write(temporary, "half");
    BOOST_TEST(!fs::exists(folder.path() / "model.safetensors"));
    throw std::runtime_error("no space");
  };
  BOOST_CHECK_THROW(folder.file("model.safetensors", fail_halfway), std::runtime_error);
  BOOST_TEST(!fs::exists(folder.path() / "model.safetensors"));
  folder.file("model.safetensors", [](const fs::path& temporary) { write(temporary, "whole"); });
  BOOST_TEST(read(folder.path() / "model.safetensors") == "whole");
  BOOST_TEST(partial_files(folder.path()) == 0u);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_is_rid_of_what_a_killed_one_left_half_written) {
  const Scratch scratch;
  const fs::path out = scratch.path / "run";
  RunFolder(Run(out).cli).samples("samples", ad::Tensor({2, 2}));
  write(out / "summary.json.partial", "{");
  write(out / "checkpoint" / "task.state.partial", "half");
  RunFolder folder(Run(out, "--resume").cli);
  BOOST_TEST(partial_files(out) == 0u);
  BOOST_TEST(fs::exists(out / "samples.npy"));
}

BOOST_AUTO_TEST_CASE(the_reproducible_files_are_those_without_times) {
  for (const char* name :
       {"metrics.csv", "samples.npy", "samples_a.npy", "figures/a.png", "model.safetensors"})
    BOOST_TEST(reproducible(name), name);
  for (const char* name : {"config.json", "summary.json", "report.html", "other.npy"})
    BOOST_TEST(!reproducible(name), name);
}

BOOST_AUTO_TEST_SUITE_END()
