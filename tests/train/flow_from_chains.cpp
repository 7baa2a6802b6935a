#include "train/flow_from_chains.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "flows/base.hpp"
#include "flows/full_gaussian.hpp"
#include "flows/linear.hpp"
#include "mcmc/alternate.hpp"
#include "mcmc/importance.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// U of N((1, -2), ((2, -0.6), (-0.6, 0.5))) up to 3, so that log Z = log(2 pi sqrt(0.64)) - 3.
ad::Var energy(ad::Var x) {
  const flows::FullGaussian g({1, -2}, std::vector<double>{2, -0.6, -0.6, 0.5});
  return 3.0 - std::log(2 * std::numbers::pi * 0.8) - g.log_prob(x);
}
const double kLogZ = std::log(2 * std::numbers::pi * 0.8) - 3;

struct Learner {
  ad::Params params;
  flows::Flow flow{std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)),
                   {std::make_shared<flows::Whitening>(params, "w", 2)}};

  template <class K>
  double learn(const K& kernel, const FlowFromChainsOptions& options) {
    double acceptance = 0;
    fit(params, flow_from_chains(flow, energy, kernel, ad::normal({32, 2}, {1, 0}), options),
        adam(), {.steps = 800, .learning_rate = cosine(0.03, 800)},
        [&](std::uint32_t, const StepLog& log) {
          acceptance = log.acceptance;
          return true;
        });
    return acceptance;
  }
  /// At the optimum all importance weights are equal.
  void check(double least_ess) const {
    const mcmc::ImportanceReport w =
        mcmc::importance_sample(energy, mcmc::from_flow(flow), 1000, {9, 0}).report;
    BOOST_TEST(w.ess > least_ess);
    BOOST_TEST(std::abs(w.log_z - kLogZ) < 4 * std::sqrt((1000 / w.ess - 1) / 1000) + 1e-6);
  }
};

using FlowMc = mcmc::Alternate<mcmc::Isir, mcmc::Mala>;

}  // namespace

BOOST_AUTO_TEST_SUITE(flow_from_chains)

BOOST_AUTO_TEST_CASE(a_flow_learns_what_local_chains_visit) {
  Learner learner;
  const double acceptance = learner.learn(mcmc::Mala(energy, 2, {.step_size = 0.01}),
                                          {.batch = 256, .target_accept = 0.6, .key = {2, 0}});
  // The adapter leaves the step alone within 0.03 of the target; one update is 256 proposals.
  BOOST_TEST(std::abs(acceptance - 0.6) < 0.03 + 4 * 0.5 / 16);
  learner.check(980);
}

BOOST_AUTO_TEST_CASE(it_learns_from_chains_that_it_proposes_to) {
  for (const double reverse : {0.0, 0.5}) {
    Learner learner;
    const FlowMc kernel({energy, mcmc::from_flow(learner.flow), {.particles = 8}},
                        {energy, 2, {.step_size = 0.1}}, {.local_steps = 2});
    learner.learn(kernel, {.batch = 256, .reverse = reverse, .key = {2, 0}});
    learner.check(980);
  }
}

BOOST_AUTO_TEST_CASE(batches_that_chains_cannot_fill_are_refused) {
  Learner learner;
  const mcmc::Mala mala(energy, 2, {});
  const ad::Tensor x0({32, 2});
  for (const std::size_t batch : {0, 31, 48}) {
    BOOST_CHECK_THROW(train::flow_from_chains(learner.flow, energy, mala, x0, {.batch = batch}),
                      std::invalid_argument);
  }
  BOOST_CHECK_THROW(train::flow_from_chains(learner.flow, energy, mala, x0, {.reverse = 1.5}),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
