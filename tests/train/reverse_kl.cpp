#include "train/reverse_kl.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "flows/base.hpp"
#include "flows/full_gaussian.hpp"
#include "flows/linear.hpp"
#include "mcmc/importance.hpp"
#include "mcmc/proposal.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// U of N((1, -2), ((2, -0.6), (-0.6, 0.5))) up to 3, so that log Z = log(2 pi sqrt(0.64)) - 3.
ad::Var energy(ad::Var x) {
  const flows::FullGaussian g({1, -2}, std::vector<double>{2, -0.6, -0.6, 0.5});
  return 3.0 - std::log(2 * std::numbers::pi * 0.8) - g.log_prob(x);
}
const double kLogZ = std::log(2 * std::numbers::pi * 0.8) - 3;

flows::Flow triangular(ad::Params& params) {
  return {std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)),
          {std::make_shared<flows::Whitening>(params, "w", 2)}};
}

mcmc::ImportanceReport importance(const flows::Flow& flow, std::size_t draws,
                                  const mcmc::Energy& of = energy) {
  return mcmc::importance_sample(of, mcmc::from_flow(flow), draws, {9, 0}).report;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reverse_divergence)

BOOST_AUTO_TEST_CASE(it_finds_a_gaussian_whose_weights_are_then_all_equal) {
  ad::Params params;
  const flows::Flow flow = triangular(params);
  const mcmc::ImportanceReport before = importance(flow, 1000);
  BOOST_TEST(before.ess < 500);
  double last = 0;
  fit(params,
      reverse_kl(flow, energy, {.batch = 256, .beta = linear_annealing(0.1, 200), .key = {1, 0}}),
      adam(), {.steps = 1500, .learning_rate = cosine(0.03, 1500)},
      [&](std::uint32_t, const StepLog& log) {
        last = log.loss;
        return true;
      });
  // At the optimum every draw has log q + U = -log Z.
  BOOST_TEST(std::abs(last + kLogZ) < 1e-3);
  const mcmc::ImportanceReport after = importance(flow, 1000);
  BOOST_TEST(after.draws == 1000u);
  BOOST_TEST(after.ess > 999);
  BOOST_TEST(after.largest_weight < 0.0011);
  BOOST_TEST(std::abs(after.log_z - kLogZ) < 1e-3);
}

BOOST_AUTO_TEST_CASE(weights_of_another_flow_estimate_log_z_within_their_error) {
  ad::Params params;
  const flows::Flow flow = triangular(params);
  const auto values = params.mutate();
  for (const auto& e : params.entries()) {
    for (std::size_t i = 0; i < e.shape.size(); ++i) {
      if (e.name == "w.log_diagonal") values[e.offset + i] = Real(0.7);
      if (e.name == "w.shift") values[e.offset + i] = Real(-0.5);
    }
  }
  const mcmc::ImportanceReport estimate = importance(flow, 20000);
  BOOST_TEST(estimate.ess < 15000);
  BOOST_TEST(estimate.log_z_error > 0);
  BOOST_TEST(std::abs(estimate.log_z - kLogZ) < 4 * estimate.log_z_error);
}

BOOST_AUTO_TEST_CASE(the_mixed_divergence_has_the_same_optimum) {
  ad::Params params;
  const flows::Flow flow = triangular(params);
  const flows::FullGaussian target({1, -2}, std::vector<double>{2, -0.6, -0.6, 0.5});
  const DataSource data = [&](std::uint32_t t, ad::View out) {
    const ad::Tensor noise = ad::normal({out.rows(), 2}, {7, t});
    const auto x = ad::evaluate([&](auto in) { return ad::Vars{target.draw(in[0])}; }, {noise})[0];
    std::ranges::copy(x.flat(), out.data);
  };
  fit(params, mixed_kl(flow, energy, data, 0.5, {.batch = 256, .key = {1, 0}}), adam(),
      {.steps = 1500, .learning_rate = cosine(0.03, 1500)});
  BOOST_TEST(importance(flow, 1000).ess > 995);
}

BOOST_AUTO_TEST_CASE(annealing_goes_from_its_start_to_1) {
  const Annealing beta = linear_annealing(0.2, 4);
  BOOST_TEST(beta(0) == 0.2);
  BOOST_TEST(beta(1) == 0.4, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(beta(4) == 1.0);
  BOOST_TEST(beta(1000) == 1.0);
  BOOST_CHECK_THROW(linear_annealing(1.5, 10), std::invalid_argument);
  ad::Params params;
  const flows::Flow flow = triangular(params);
  BOOST_CHECK_THROW(mixed_kl(flow, energy, {}, -0.1, {}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(weights_that_say_nothing_are_refused) {
  ad::Params params;
  const flows::Flow flow = triangular(params);
  const mcmc::Energy nowhere = [](ad::Var x) { return 1.0 / (0.0 * sum(square(x), 1)); };
  const mcmc::Energy undefined = [](ad::Var x) { return log(-1.0 - sum(square(x), 1)); };
  BOOST_CHECK_THROW(importance(flow, 1), std::invalid_argument);
  BOOST_CHECK_THROW(importance(flow, 10, nowhere), std::runtime_error);
  BOOST_CHECK_THROW(importance(flow, 10, undefined), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
