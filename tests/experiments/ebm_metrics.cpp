#include "experiments/common/ebm_metrics.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "mcmc/proposal.hpp"

using namespace eqp;

// Chains whose law is known, in the place of those of a training.
namespace {

// The energy of four corners with these weights, shifted, and chains of the true ones.
struct Corners {
  Problem problem = make_problem("corners_16", Protocol::ours);
  double shift = 3.5;
  std::vector<double> weights{0.25, 0.25, 0.25, 0.25};

  mcmc::Energy energy() const {
    const double a = std::sqrt(problem.truth.base_variance - 1);
    return [=, this](ad::Var x) {
      const std::size_t n = x.shape()[0];
      std::vector<ad::Var> log_p;
      for (const double first : {a, -a}) {
        for (const double second : {a, -a}) {
          const ad::Var u = slice(x, 1, 0, 8) - first, v = slice(x, 1, 8, 16) - second;
          const double log_weight = std::log(weights[log_p.size()]);
          log_p.push_back(
              reshape(log_weight - 0.5 * (sum(square(u), 1) + sum(square(v), 1)), {n, 1}));
        }
      }
      return shift - logsumexp(ad::concat(log_p, 1), 1);
    };
  }
  AnnealedModel annealed() const {
    const std::vector<double> mean(16), sd(16, std::sqrt(problem.truth.base_variance));
    return {energy(), mcmc::gaussian_proposal(mean, sd)};
  }
  // Chains of independent draws or, if they are stuck, that hardly leave where they start.
  train::NegativeChains chains(bool stuck) const {
    return {.steps = 3,
            .starts = [this] { return train::draw(problem.truth, 2000, {1}); },
            .run =
                [=, this](ad::ConstView x0, const mcmc::RunOptions& options) {
                  const std::size_t n = x0.rows(), steps = options.steps / options.thin;
                  mcmc::RunResult r{.draws = ad::Tensor({n, steps, 16}), .last = ad::Tensor(x0)};
                  const ad::Tensor fresh = train::draw(problem.truth, n * steps, options.key);
                  for (std::size_t k = 0; k < r.draws.size(); ++k) {
                    r.draws[k] =
                        stuck ? x0[k / (16 * steps) * 16 + k % 16] + fresh[k] / 100 : fresh[k];
                  }
                  return r;
                }};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(ebm_metrics)

BOOST_AUTO_TEST_CASE(chains_that_mix_over_an_exact_energy_have_nothing_to_report) {
  const Corners exact;
  const Truth truth = exact_samples(exact.problem, 100, {2});
  const ChainMetrics m =
      chain_metrics(exact.chains(false), exact.problem, truth, exact.annealed(), {3});
  const auto value = [&](const char* name) { return m.row[name].get<double>(); };
  BOOST_TEST((m.samples.shape() == ad::Shape{100, 16}));
  BOOST_TEST(value("max_rhat") < 1.01);
  BOOST_TEST(value("largest_weight_error") < 4 * value("mcse"));
  BOOST_TEST(value("energy_weight_error") < 4 * value("energy_weight_se"));
  BOOST_TEST(value("energy_weight_se") < 0.02);
  // exp(-U) is a mixture of four Gaussians of variance 1.
  const double log_z = 8 * std::log(2 * std::numbers::pi) - exact.shift;
  BOOST_TEST(value("log_z_low") < log_z);
  BOOST_TEST(log_z < value("log_z_high"));
  BOOST_TEST(value("log_z_high") - value("log_z_low") < 0.3);
  // Off by the error of log Z at every point.
  const double off = value("log_z") - log_z, tolerance = 1e-3;
  BOOST_TEST(std::abs(value("kl") - off) < tolerance);
  BOOST_TEST(std::abs(value("true_log_prob") - value("test_log_prob") - off) < tolerance);
  BOOST_TEST(value("test_log_prob_low") < value("true_log_prob"));
  BOOST_TEST(value("true_log_prob") < value("test_log_prob_high"));
  // The four hardly overlap: each has the entropy of a Gaussian, and which one it is adds log 4.
  const double entropy = 8 * (1 + std::log(2 * std::numbers::pi)) + std::log(4);
  BOOST_TEST(std::abs(value("true_log_prob") + entropy) < 4 * std::sqrt(8.0 / 10000) + 1e-3);
  BOOST_TEST(value("bits_per_dim") == -value("test_log_prob") / 16 / std::log(2.0),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(masses_of_an_energy_are_not_those_of_its_chains) {
  const Corners uneven{.weights = {0.4, 0.3, 0.2, 0.1}};
  const Truth truth = exact_samples(uneven.problem, 100, {2});
  const ChainMetrics m =
      chain_metrics(uneven.chains(false), uneven.problem, truth, uneven.annealed(), {3});
  BOOST_TEST(m.row["largest_weight_error"].get<double>() < 0.02);
  const double off = m.row["energy_weight_error"], se = m.row["energy_weight_se"];
  BOOST_TEST(std::abs(off - 0.15) < 4 * se);
}

BOOST_AUTO_TEST_CASE(chains_that_stand_still_are_told_by_r_hat) {
  const Corners exact;
  const Truth truth = exact_samples(exact.problem, 100, {2});
  const ChainMetrics m = chain_metrics(exact.chains(true), exact.problem, truth, {}, {3});
  BOOST_TEST(m.row["max_rhat"].get<double>() > 10);
  BOOST_TEST(!m.row.contains("kl"));
}

BOOST_AUTO_TEST_CASE(weights_of_starts_and_negatives_are_held_against_the_models) {
  Problem p = make_problem("four_modes", Protocol::ours);
  const std::size_t n = 10;
  const auto in_modes = [](std::vector<double> x) {
    ad::Tensor rows({x.size(), 2});
    for (std::size_t i = 0; i < x.size(); ++i) rows(i, 0) = Real(x[i]);
    return rows;
  };
  const train::NegativeChains chains{
      .steps = 7,
      .starts = [&] { return in_modes(std::vector<double>(n, -3)); },
      .run =
          [&](ad::ConstView, const mcmc::RunOptions& options) {
            BOOST_TEST(options.steps == 7u);
            return mcmc::RunResult{.last = in_modes({-3, -3, -1, -1, -1, 1, 1, 1, 3, 3})};
          }};
  const std::vector<double> masses{0.2, 0.3, 0.3, 0.2};
  const Row row = weight_metrics(chains, p, in_modes({-3, -1, 1, 3}), masses, {1});
  const auto near = [](const Row& value, double expected) {
    return std::abs(value.get<double>() - expected) < 1e-9;
  };
  BOOST_TEST(near(row["start_mse"], (0.64 + 0.09 + 0.09 + 0.04) / 4));
  BOOST_TEST(near(row["negatives_mse"], 0));
  BOOST_TEST(std::abs(row["model_mse"].get<double>() - (0.01 + 0.01 + 0 + 0.04) / 4) < 1e-4);
  BOOST_TEST(std::abs(row["data_mse"].get<double>() - (0.0225 + 0.0025 + 0.0025 + 0.0225) / 4) <
             1e-6);
  BOOST_TEST(share_of_mode(chains.starts(), p.truth.modes, 0) == 1);
}

// As after a training that has run away: the others of the run go on.
BOOST_AUTO_TEST_CASE(an_energy_without_a_normaliser_is_an_error_of_its_training) {
  const Problem problem = make_problem("two_modes", Protocol::published);
  const Truth truth = exact_samples(problem, 20, {1});
  const train::LogDensity broken = [](ad::ConstView, std::span<double> log_p) {
    std::ranges::fill(log_p, std::nan(""));
  };
  BOOST_CHECK_EXCEPTION(plane_metrics(problem, truth, broken, 100, {2}), std::runtime_error,
                        [](const std::exception& e) {
                          return std::string(e.what()).find("log Z of the trained energy") !=
                                 std::string::npos;
                        });
}

BOOST_AUTO_TEST_SUITE_END()
