#include "mcmc/proposal.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "autodiff/random.hpp"
#include "flows/base.hpp"
#include "flows/mixture.hpp"
#include "mcmc/isir.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

const std::vector<double> kMean{1, -2, 0.5}, kSd{0.5, 2, 3};

/// log N(x; mean, diag(sd^2)) term by term.
double log_gaussian(std::span<const Real> x, const std::vector<double>& mean) {
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double z = (x[j] - mean[j]) / kSd[j];
    sum -= z * z / 2 + std::log(kSd[j] * std::sqrt(2 * std::numbers::pi));
  }
  return sum;
}

void check(const Proposal& proposal, const std::vector<double>& mean) {
  const double tolerance = sizeof(Real) == 4 ? 1e-5 : 1e-12;
  const ad::Tensor noise = ad::normal({50, 3}, {.seed = 1});
  const auto out = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        const auto [x, log_q] = proposal.sample(in[0]);
        return {x, log_q, proposal.log_prob(x)};
      },
      {noise});
  for (std::size_t i = 0; i < 50; ++i) {
    const double exact = log_gaussian(out[0].row(i), mean);
    BOOST_TEST(out[1][i] == exact, boost::test_tools::tolerance(tolerance));
    BOOST_TEST(out[2][i] == exact, boost::test_tools::tolerance(tolerance));
    for (std::size_t j = 0; j < 3; ++j) {
      BOOST_TEST(std::abs(out[0](i, j) - (mean[j] + kSd[j] * noise(i, j))) < 10 * tolerance);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(proposals)

BOOST_AUTO_TEST_CASE(a_gaussian_proposal_has_its_closed_form) {
  check(gaussian_proposal(kMean, kSd), kMean);
}

BOOST_AUTO_TEST_CASE(a_flow_proposes_with_its_own_density) {
  const flows::Flow flow(std::make_shared<flows::DiagonalGaussian>(kSd), {});
  const Proposal proposal = from_flow(flow);
  BOOST_TEST(proposal.dim == 3u);
  check(proposal, {0, 0, 0});
}

BOOST_AUTO_TEST_CASE(a_proposal_may_take_more_normals_than_it_has_coordinates) {
  ad::Params params;
  const auto base = std::make_shared<flows::TrainableMixture>(
      params, "m", 2, flows::MixtureOptions{.components = 3, .spread = 3}, ad::Key{1, 0});
  const Proposal proposal = from_flow({base, {}});
  BOOST_TEST(proposal.dim == 2u);
  BOOST_TEST(proposal.noise_dim == 3u);
  // Proposed from the target itself, every particle has the same weight: 7 of 8 moves go elsewhere.
  const Energy energy = [base](ad::Var x) { return -base->log_prob(x); };
  const auto result = run(Isir(energy, proposal, {.particles = 8}), ad::normal({200, 2}, {2, 0}),
                          {.steps = 50, .warmup = 0, .key = {3, 0}});
  const double rate = result.counts.rate(), n = 200 * 50;
  BOOST_TEST(std::abs(rate - 7. / 8) < 4 * std::sqrt(7. / 64 / n));
}

BOOST_AUTO_TEST_CASE(a_gaussian_proposal_needs_finite_means_and_positive_deviations) {
  BOOST_CHECK_THROW(gaussian_proposal({}, {}), std::invalid_argument);
  BOOST_CHECK_THROW(gaussian_proposal({0}, {1, 2}), std::invalid_argument);
  BOOST_CHECK_THROW(gaussian_proposal({0, 0}, {1, 0}), std::invalid_argument);
  BOOST_CHECK_THROW(gaussian_proposal({0}, {INFINITY}), std::invalid_argument);
  BOOST_CHECK_THROW(gaussian_proposal({}, {1}), std::invalid_argument);
  BOOST_CHECK_THROW(gaussian_proposal({INFINITY}, {1}), std::invalid_argument);
  BOOST_CHECK_THROW(gaussian_proposal({0, std::nan("")}, {1, 1}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
