#include "experiments/common/cli.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/experiments/support.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

/// What a small experiment reads from its command line.
struct Options {
  double sigma, shift;
  std::size_t chains;
  int offset;
  std::string title, method;
  std::vector<std::size_t> hidden;
  bool fast, quick;
  std::uint64_t seed;
  fs::path out;
};

Options parse(std::initializer_list<std::string> words) {
  const Arguments arguments(words);
  Cli cli(arguments.argc(), arguments.argv.data(), "A demonstration");
  Options o;
  o.sigma = cli.get("sigma", 0.3, "noise level", {.max = 10, .above = 0, .unit = "data units"});
  o.shift = cli.get("shift", 0.0, "shift");
  o.chains = cli.get("chains", std::size_t{64}, "chains", {.min = 1});
  o.offset = cli.get("offset", 0, "offset");
  o.title = cli.get("title", "none", "title");
  o.hidden = cli.get("hidden", std::vector<std::size_t>{8, 8}, "widths", {.min = 1});
  o.method = cli.choice("method", "all", {"all", "cd", "pcd"}, "training method");
  o.fast = cli.flag("fast", "be fast");
  cli.done();
  o.quick = cli.quick();
  o.seed = cli.seed();
  o.out = cli.out();
  return o;
}

std::string refused(std::initializer_list<std::string> words) {
  return refusal([&] { parse(words); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli)

BOOST_AUTO_TEST_CASE(what_is_not_given_has_its_default) {
  const Options o = parse({});
  BOOST_TEST(o.sigma == 0.3);
  BOOST_TEST(o.chains == 64u);
  BOOST_TEST(o.title == "none");
  BOOST_TEST(o.method == "all");
  BOOST_TEST((o.hidden == std::vector<std::size_t>{8, 8}));
  BOOST_TEST(!o.fast);
  BOOST_TEST(!o.quick);
  BOOST_TEST(o.seed == 1u);
  BOOST_TEST(o.out == "runs/demo-1");
}

BOOST_AUTO_TEST_CASE(values_come_in_any_order_and_either_spelling) {
  const Options o =
      parse({"--quick", "--method", "pcd", "--hidden", "3,4,5", "--seed=18446744073709551615",
             "--sigma=1e-3", "--fast", "--shift", "-2.5", "--offset=-7", "--title", "a b"});
  BOOST_TEST(o.sigma == 1e-3);
  BOOST_TEST(o.shift == -2.5);
  BOOST_TEST(o.offset == -7);
  BOOST_TEST(o.title == "a b");
  BOOST_TEST(o.method == "pcd");
  BOOST_TEST((o.hidden == std::vector<std::size_t>{3, 4, 5}));
  BOOST_TEST(o.fast);
  BOOST_TEST(o.quick);
  BOOST_TEST(o.seed == 18446744073709551615u);
  BOOST_TEST(o.out == "runs/demo-18446744073709551615");
}

BOOST_AUTO_TEST_CASE(the_ends_of_a_range_are_in_it_but_what_must_be_exceeded_is_not) {
  BOOST_TEST(parse({"--chains", "1"}).chains == 1u);
  BOOST_TEST(parse({"--sigma", "10"}).sigma == 10.0);
  BOOST_TEST(refused({"--chains", "0"}) == "--chains 0: need at least 1");
  BOOST_TEST(refused({"--sigma", "0"}) == "--sigma 0: need more than 0");
  BOOST_TEST(refused({"--sigma", "10.5"}) == "--sigma 10.5: need at most 10");
  BOOST_TEST(refused({"--hidden", "3,0"}) == "--hidden 0: need at least 1");
}

BOOST_AUTO_TEST_CASE(what_is_not_such_a_number_is_refused) {
  BOOST_TEST(refused({"--sigma", "abc"}) == "--sigma abc: expected a number");
  BOOST_TEST(refused({"--sigma", "0.3x"}) == "--sigma 0.3x: expected a number");
  BOOST_TEST(refused({"--sigma", "nan"}) == "--sigma nan: expected a finite number");
  BOOST_TEST(refused({"--shift", "inf"}) == "--shift inf: expected a finite number");
  BOOST_TEST(refused({"--chains", "2.5"}) == "--chains 2.5: expected a whole number");
  BOOST_TEST(refused({"--offset", "99999999999"}) == "--offset 99999999999: too large");
  BOOST_TEST(refused({"--hidden", "3,,4"}) ==
             "--hidden 3,,4: expected numbers separated by commas");
}

BOOST_AUTO_TEST_CASE(a_negative_count_is_refused_not_wrapped) {
  BOOST_TEST(refused({"--chains", "-3"}) == "--chains -3: need at least 1");
  BOOST_TEST(refused({"--seed", "-1"}) == "--seed -1: need at least 0");
}

BOOST_AUTO_TEST_CASE(an_option_never_takes_another_for_its_value) {
  BOOST_TEST(refused({"--title", "--sigma", "0.5"}) == "--title: needs a value, got --sigma");
  // Whichever of the two is read first, it must not take --title for sigma's value.
  BOOST_TEST(refused({"--sigma", "--title", "x"}) == "--sigma: needs a value, got --title");
  BOOST_TEST(refused({"--title", "--sigma", "--chains", "5"}) ==
             "--sigma: needs a value, got --chains");
  BOOST_TEST(parse({"--title", "sigma", "--sigma", "0.5"}).title == "sigma");
  BOOST_TEST(refused({"--chains"}) == "--chains: needs a value");
  BOOST_TEST(refused({"--title="}) == "--title: needs a value");
}

BOOST_AUTO_TEST_CASE(what_no_option_takes_is_refused) {
  BOOST_TEST(refused({"--sigmo", "1"}) == "--sigmo: no such option; --help lists the options");
  BOOST_TEST(refused({"-s"}) == "-s: no such option; --help lists the options");
  BOOST_TEST(refused({"stray"}) == "stray: unexpected; --help lists the options");
  BOOST_TEST(refused({"--seed", "1", "--seed", "2"}) == "--seed: given twice");
  BOOST_TEST(refused({"--fast=maybe"}) != "");
}

BOOST_AUTO_TEST_CASE(an_unknown_choice_is_answered_with_the_list) {
  BOOST_TEST(refused({"--method", "sgd"}) == "--method sgd: choose one of all, cd, pcd");
  BOOST_TEST(refused({"--precision", "f16"}) == "--precision f16: choose one of f32, f64");
}

BOOST_AUTO_TEST_CASE(a_config_file_stands_between_the_command_line_and_the_defaults) {
  const Scratch scratch;
  const std::string file = scratch.path / "a.toml";
  write(file, "sigma = 0.7\nmethod = \"cd\"\nquick = true\nhidden = \"2,3\"\nchains = 9\n");
  const Options o = parse({"--config", file, "--chains", "10"});
  BOOST_TEST(o.sigma == 0.7);
  BOOST_TEST(o.method == "cd");
  BOOST_TEST(o.quick);
  BOOST_TEST((o.hidden == std::vector<std::size_t>{2, 3}));
  BOOST_TEST(o.chains == 10u);
  BOOST_TEST(o.shift == 0.0);
}

BOOST_AUTO_TEST_CASE(a_config_file_is_checked_like_the_command_line) {
  const Scratch scratch;
  const std::string file = scratch.path / "a.toml";
  write(file, "chains = -4\n");
  BOOST_TEST(refused({"--config", file}) == "--chains -4: need at least 1");
  write(file, "chainz = 4\n");
  BOOST_TEST(refused({"--config", file}) == "--config: chainz: no such option");
  BOOST_TEST(refused({"--config", file + "x"}).starts_with("--config: "));
}

BOOST_AUTO_TEST_CASE(help_names_default_range_unit_and_choices_whatever_else_is_given) {
  std::string text;
  try {
    parse({"--sigma", "abc", "--help"});
  } catch (const NothingToRun& help) {
    text = help.text;
  }
  for (const char* part : {"A demonstration", "--sigma NUMBER", "noise level",
                           "[data units, above 0, at most 10; default 0.3]",
                           "[one of all, cd, pcd; default all]", "default 8,8", "--overwrite"})
    BOOST_TEST(text.find(part) != text.npos, part);
}

BOOST_AUTO_TEST_CASE(a_folder_in_the_way_is_refused_and_nothing_is_written) {
  const Scratch scratch;
  const std::string out = scratch.path;
  BOOST_TEST(refused({"--out", out}) ==
             "--out " + out + ": exists; choose another folder or add --overwrite");
  BOOST_TEST(refused({"--out", out + "/new"}) == "");
  BOOST_TEST(fs::is_empty(scratch.path));
}

BOOST_AUTO_TEST_CASE(every_option_is_kept_as_it_was_resolved) {
  const Arguments arguments({"--chains", "5"});
  Cli cli(arguments.argc(), arguments.argv.data(), "");
  cli.get("chains", std::size_t{64}, "how many");
  const ResolvedOption& last = cli.options().back();
  BOOST_TEST(last.name == "chains");
  BOOST_TEST(last.value.get<int>() == 5);
  BOOST_TEST(last.doc == "how many");
  BOOST_TEST(cli.options().front().name == "seed");
}

BOOST_AUTO_TEST_SUITE_END()
