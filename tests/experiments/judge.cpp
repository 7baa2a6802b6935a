#include "experiments/common/judge.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

JudgeOptions few() {
  JudgeOptions o;
  o.points = 2000, o.samples = 300, o.langevin_steps = 200;
  return o;
}

double number(const Row& row, const std::string& column) { return row.at(column).get<double>(); }

}  // namespace

// The exact energy has no error of its own, and its exact draws are draws of the data.
BOOST_AUTO_TEST_CASE(the_true_energy_is_judged_right) {
  const Judge judge("eight_gaussians_unequal", few(), {1});
  const mcmc::Target truth =
      mcmc::eight_gaussians({.radius = 2, .std = 0.2, .weights = {1, 2, 3, 4, 5, 6, 7, 8}});
  const Row row = judge.judge(truth.energy, {2}).row, floor = judge.floor();
  BOOST_TEST(std::abs(number(row, "kl")) < 1e-3);
  BOOST_TEST(number(row, "log_density_error") < 1e-6);
  BOOST_TEST(number(row, "weight_error") < 1e-3);
  BOOST_TEST(number(row, "weight_z") < 0.1);
  // Of six floors each, whose spread is a fifth; chains from data stay among them.
  BOOST_TEST(number(row, "w2_exact") < 2 * number(floor, "w2"));
  BOOST_TEST(number(row, "w2_from_data") < 2 * number(floor, "w2"));
  // Chains from a broad start have the weights of the basins they began in.
  BOOST_TEST(number(row, "mode_z") > 2 * number(floor, "mode_z"));
}

// Weights of 1/8 for 1/36 to 8/36: in standard errors of 300 draws the first is off most.
BOOST_AUTO_TEST_CASE(wrong_weights_are_told_in_standard_errors) {
  const Judge judge("eight_gaussians_unequal", few(), {1});
  const mcmc::Target equal = mcmc::eight_gaussians({.radius = 2, .std = 0.2});
  const Row row = judge.judge(equal.energy, {2}).row;
  const double w = 1.0 / 36, se = std::sqrt(w * (1 - w) / 300);
  BOOST_TEST(number(row, "weight_z") == (1.0 / 8 - w) / se, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(an_energy_without_a_finite_log_z_cannot_be_judged) {
  const Judge judge("two_moons", few(), {1});
  const mcmc::Energy nowhere = [](ad::Var x) { return log(-1 - sum(square(x), 1)); };
  BOOST_TEST(message([&] { judge.judge(nowhere, {2}); }).find("log Z of the trained energy is") !=
             std::string::npos);
}

// One mode in the place of eight: the entropies say how far it is, log det of two Gaussians aside.
BOOST_AUTO_TEST_CASE(a_gaussian_is_not_eight_of_them) {
  const Judge judge("eight_gaussians", few(), {1});
  const double variance = 2 + 0.04;  // of the data, per coordinate
  const mcmc::Energy gaussian = [=](ad::Var x) { return 0.5 / variance * sum(square(x), 1); };
  const Row row = judge.judge(gaussian, {2}).row;
  // Cross entropy 1 + log(2 pi v) less the entropy of the data, 1.697 nats.
  const double kl = 1 + std::log(2 * std::numbers::pi * variance) - 1.697;
  BOOST_TEST(std::abs(number(row, "kl") - kl) < 0.03);
  BOOST_TEST(number(row, "weight_error") < 1e-3);  // by symmetry
  for (const char* column : {"w2", "sliced_w2", "mmd", "energy_distance"}) {
    BOOST_TEST(number(row, column) > 1.5 * number(judge.floor(), column));
  }
}

BOOST_AUTO_TEST_CASE(every_contender_can_be_trained) {
  Judge judge("two_moons_unequal", few(), {1});
  ContenderOptions& o = judge.contender();
  o.steps = 3, o.batch = 32, o.hidden = {8, 8}, o.flow_pretraining = 2;
  for (const std::string& method : contender_names()) {
    Contender model(method, judge.data(), o, {3});
    std::uint32_t seen = 0;
    double loss = 0;
    const std::uint32_t done = model.fit(
        [&](std::uint32_t, const train::StepLog& log) {
          ++seen;
          loss = log.loss;
          return true;
        },
        nullptr);
    BOOST_TEST_CONTEXT(method) {
      BOOST_TEST((done == 3 && seen == 3));
      BOOST_TEST(std::isfinite(loss));
      BOOST_TEST(model.evaluations() >= 1);
      BOOST_TEST(std::isfinite(number(judge.judge(model.energy(), {4}).row, "kl")));
    }
  }
}

BOOST_AUTO_TEST_CASE(means_are_over_the_numbers_of_rows) {
  const std::vector<Row> rows{{{"name", "a"}, {"x", 1.0}, {"n", 2}},
                              {{"name", "b"}, {"x", 4.0}, {"n", 4}}};
  const Row mean = mean_of(rows);
  BOOST_TEST((!mean.contains("name") && mean["x"] == 2.5 && mean["n"] == 3.0));
  BOOST_TEST(sd_of(rows, "x") == 3 / std::sqrt(2.0), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(std::isnan(sd_of(std::span(rows).first(1), "x")));
}

BOOST_AUTO_TEST_CASE(medians_are_those_of_each_column) {
  const std::vector<Row> rows{{{"x", 5.0}, {"n", 2}},
                              {{"x", -1.0}, {"n", 9}},
                              {{"x", 4.0}, {"n", 3}},
                              {{"x", 40.0}, {"n", 4}}};
  const Row all = median_of(rows), three = median_of(std::span(rows).first(3));
  BOOST_TEST((all["x"] == 4.5 && all["n"] == 3.5));
  BOOST_TEST((three["x"] == 4.0 && three["n"] == 3.0));
}

BOOST_AUTO_TEST_CASE(unknown_data_and_methods_are_refused) {
  BOOST_TEST(test::refusal([] { Judge("three_moons", few(), {1}); }) ==
             "--data three_moons: no such data set");
  Judge judge("eight_gaussians", few(), {1});
  BOOST_TEST(test::refusal([&] { Contender("magic", judge.data(), judge.contender(), {1}); }) ==
             "--method magic: no such method");
}
