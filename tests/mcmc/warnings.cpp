#include "mcmc/warnings.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace eqp::mcmc;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Summary parameter(double ess_bulk, double ess_tail, double r_hat) {
  const Estimate one{1, 0.1};
  return {"x", one, one, one, one, one, ess_bulk, ess_tail, r_hat};
}

/// 4 chains of 1000 draws, with nothing wrong.
RunFacts facts() {
  return {.chains = 4,
          .steps = 1000,
          .warmup = 500,
          .transitions = 4000,
          .max_depth = 10,
          .target_accept = 0.8};
}

std::vector<std::string> kinds(const std::vector<Warning>& all) {
  std::vector<std::string> names;
  for (const Warning& w : all) names.push_back(w.kind);
  return names;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_good_run_is_warned_of_nothing) {
  RunFacts run = facts();
  const std::vector<Summary> good(3, parameter(400, 400, 1.01));
  const std::vector<double> fractions{0.3, 0.9};
  run.summaries = good;
  run.e_bfmi = fractions;
  run.pareto_k = 0.69;
  run.weights = 4000;
  BOOST_TEST(warnings(run).empty());
  BOOST_TEST(warnings(facts()).empty());
  BOOST_TEST(text(warnings(run)) == "nothing to warn of\n");
}

BOOST_AUTO_TEST_CASE(transitions_are_warned_of_with_count_share_and_flag) {
  RunFacts run = facts();
  run.divergences = 7;
  run.saturations = 400;
  const std::vector<Warning> all = warnings(run);
  BOOST_TEST(text(all) ==
             "warning: 7 of 4000 transitions after warm-up (0.17 %) diverged. The sampler could "
             "not follow the energy there, so that estimates may be biased. Take smaller steps; "
             "if a few stay, reparametrise. Try --target-accept 0.9\n"
             "warning: 400 of 4000 transitions after warm-up (10 %) reached the maximum tree depth "
             "of 10. Trajectories end too early, which makes the chains slow but not wrong. Allow "
             "deeper trees, or rescale the parameters. Try --max-depth 12\n");
  BOOST_TEST(all[0].count == 7);
  BOOST_TEST(all[0].of == 4000);
  for (const auto& [target, flag] : std::vector<std::pair<double, std::string>>{
           {0, ""}, {0.9, "--target-accept 0.95"}, {0.95, "--target-accept 0.99"}, {0.99, ""}}) {
    run.target_accept = target;
    BOOST_TEST(warnings(run)[0].flag == flag);
  }
}

BOOST_AUTO_TEST_CASE(proposals_where_the_energy_is_not_finite_are_warned_of) {
  RunFacts run = facts();
  run.not_finite = 12;
  run.nan = 5;
  BOOST_TEST(text(warnings(run)) ==
             "warning: 12 proposals were rejected because their energy was not finite (5 nan, 7 "
             "infinite). The target counts as zero there. If it is not, mend the energy; if it is, "
             "smaller steps meet it less often. Try --target-accept 0.9\n");
}

BOOST_AUTO_TEST_CASE(flags_are_those_of_the_program) {
  RunFacts run = facts();
  run.divergences = run.saturations = 1;
  const std::vector<Summary> slow(1, parameter(399, 1000, 1.02));
  run.summaries = slow;
  run.e_bfmi = {0.1};
  const auto flags = [&](const WarningFlags& names) {
    std::vector<std::string> all;
    for (const Warning& w : warnings(run, {}, names)) all.push_back(w.flag);
    return all;
  };
  const auto each = boost::test_tools::per_element();
  BOOST_TEST(flags({"--delta", "--depth", "--burn", "--draws"}) ==
                 (std::vector<std::string>{"--delta 0.9", "--depth 12", "--burn 1000",
                                           "--draws 2000", "--draws 1100"}),
             each);
  BOOST_TEST(flags({"", "", "", ""}) == std::vector<std::string>(5), each);
  // Of a kernel whose largest depth nobody told.
  run.max_depth = 0;
  const Warning depth = warnings(run)[1];
  BOOST_TEST(depth.what ==
             "1 of 4000 transitions after warm-up (0.025 %) reached the maximum tree "
             "depth");
  BOOST_TEST(depth.flag == "");
}

BOOST_AUTO_TEST_CASE(chains_and_parameters_are_warned_of_at_the_limits_people_know) {
  RunFacts run = facts();
  const std::vector<Summary> bad{parameter(399, 1000, 1.011), parameter(1000, 35, 1.0),
                                 parameter(1000, 1000, 2)};
  const std::vector<double> fractions{0.29, 0.31, 0.1, kNan};
  run.summaries = bad;
  run.e_bfmi = fractions;
  const std::vector<Warning> all = warnings(run);
  BOOST_TEST(kinds(all) == (std::vector<std::string>{"e_bfmi", "r_hat", "ess_bulk", "ess_tail"}),
             boost::test_tools::per_element());
  BOOST_TEST(all[0].what == "2 of 4 chains (50 %) have an E-BFMI below 0.3, the lowest 0.1");
  BOOST_TEST(all[0].flag == "--warmup 1000");
  BOOST_TEST(all[1].what == "2 of 3 parameters (67 %) have an R-hat above 1.01, the largest 2");
  BOOST_TEST(all[1].flag == "--steps 2000");
  BOOST_TEST(all[2].flag == "--steps 1100");
  BOOST_TEST(all[3].what ==
             "1 of 3 parameters (33 %) have a tail ESS below 100 per chain, 400 in all, the "
             "smallest 35");
  BOOST_TEST(all[3].flag == "--steps 12000");  // 400 / 35 times 1000 are 11429
  run.steps = 0;
  BOOST_TEST(warnings(run)[1].flag == "");
  BOOST_TEST(warnings(run, {.r_hat = 3, .ess_per_chain = 1, .e_bfmi = 0.01}).empty());
}

BOOST_AUTO_TEST_CASE(draws_that_say_nothing_are_warned_of) {
  RunFacts run = facts();
  std::vector<Summary> bad(2, parameter(kNan, kNan, kNan));
  bad[0].not_finite = 3;
  bad[0].sd.value = kNan;
  bad[1].sd.value = 0;
  run.summaries = bad;
  BOOST_TEST(kinds(warnings(run)) == (std::vector<std::string>{"not_finite", "constant"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(weights_and_modes_are_warned_of) {
  RunFacts run = facts();
  run.weights = 4000;
  for (const double k : {0.71, kNan, std::numeric_limits<double>::infinity()}) {
    run.pareto_k = k;
    BOOST_TEST(kinds(warnings(run)) == std::vector<std::string>{"pareto_k"},
               boost::test_tools::per_element());
  }
  run.pareto_k.reset();
  ModeWeights modes;
  modes.modes.resize(3);
  modes.modes[1].lost = modes.modes[2].unsettled = true;
  run.modes = &modes;
  const std::vector<Warning> all = warnings(run);
  BOOST_TEST(kinds(all) == (std::vector<std::string>{"mode_lost", "mode_unsettled"}),
             boost::test_tools::per_element());
  BOOST_TEST(all[0].what == "1 of 3 modes (33 %) are not visited in the last part of the chains");
  BOOST_TEST(all[1].flag == "--steps 4000");
}
