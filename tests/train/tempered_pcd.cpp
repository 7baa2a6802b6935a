#include "train/tempered_pcd.hpp"

#include <boost/test/unit_test.hpp>

#include "mcmc/proposal.hpp"
#include "tests/train/support.hpp"
#include "train/pcd.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

mcmc::Sampler normals(double mean, double variance) {
  return [=](ad::View out, ad::Key key, std::uint32_t first) {
    ad::BlockRng{key, 0, first}.normal(out);
    for (Real& v : out.flat()) v = Real(mean + std::sqrt(variance) * double(v));
  };
}

// sigmoid(-theta) N(-3, 0.5^2) + sigmoid(theta) N(3, 0.8^2): a barrier of 11 nats on the left
// mode's side, which Langevin chains do not cross.
constexpr double kMean[] = {-3, 3}, kSd[] = {0.5, 0.8}, kRight = 0.7;

mcmc::Energy two_modes(ad::Param theta) {
  return [=](ad::Var x) {
    ad::Vars parts;
    for (int k = 0; k < 2; ++k) {
      const ad::Var t = theta.on(*x.tape);
      parts.push_back(-ad::softplus(k == 0 ? t : -t) -
                      0.5 / (kSd[k] * kSd[k]) * square(x - kMean[k]) - std::log(kSd[k]));
    }
    return -ad::logsumexp(ad::concat(parts, 1), 1);
  };
}

void data(std::uint32_t t, ad::View out) {
  const ad::BlockRng rng{{1}, t};
  rng.normal(out);
  for (std::size_t i = 0; i < out.rows(); ++i) {
    const int k = rng.uniform(i) < kRight ? 1 : 0;
    out[i] = Real(kMean[k] + kSd[k] * double(out[i]));
  }
}

double right(ad::ConstView x) {
  double count = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) count += x[i] > 0;
  return count / double(x.rows());
}

TemperedPcdOptions ladder(bool with_base) {
  TemperedPcdOptions o{.dim = 1, .batch = 400, .local_steps = 4, .step_size = 0.1, .key = {2}};
  if (with_base) {
    o.betas = {1, 0.4, 0.1, 0};
    o.base = mcmc::gaussian_proposal({0}, {4});
  } else {
    o.betas = {1, 0.3, 0.08, 0.02};
  }
  return o;
}

}  // namespace

// All chains begin in the left mode; those at beta = 1 become draws of the model.
BOOST_AUTO_TEST_CASE(the_negatives_are_draws_of_the_model_wherever_chains_begin) {
  for (const bool with_base : {true, false}) {
    ad::Params params;
    const double theta = 0.9, weight = 1 / (1 + std::exp(-theta));
    const Objective objective = tempered_pcd(two_modes(scalar(params, "theta", theta)), data,
                                             normals(-3, 0.25), ladder(with_base));
    Inputs inputs(objective);
    // Means of 10 steps, longer than chains remember.
    Mean share, mean, square;
    double sums[3] = {};
    for (std::uint32_t t = 0; t < 1100; ++t) {
      const StepLog log = inputs.feed(objective, t);
      if (t < 100) continue;
      const ad::ConstView x = inputs.views[1];
      sums[0] += right(x) / 10;
      for (const Real v : x.flat()) {
        sums[1] += double(v) / double(x.size()) / 10;
        sums[2] += double(v) * double(v) / double(x.size()) / 10;
      }
      if (t % 10 != 9) continue;
      share.add(std::exchange(sums[0], 0));
      mean.add(std::exchange(sums[1], 0));
      square.add(std::exchange(sums[2], 0));
      BOOST_TEST((log.global_moves > 0.1 && log.global_moves < 1));
    }
    BOOST_TEST_CONTEXT((with_base ? "with base" : "without base")) {
      // Tails of the right mode on the left, and the reverse, are below 1e-4.
      BOOST_TEST(share.off(weight) < 5, share.value() << " +- " << share.error());
      BOOST_TEST(mean.off(6 * weight - 3) < 5);
      BOOST_TEST(square.off(9 + weight * 0.64 + (1 - weight) * 0.25) < 5);
      BOOST_TEST(share.error() < 0.005);
    }
  }
}

BOOST_AUTO_TEST_CASE(tempered_chains_learn_the_weight_of_a_mode_that_langevin_chains_lose) {
  const double theta = std::log(kRight / (1 - kRight));
  for (const bool with_base : {true, false}) {
    ad::Params params;
    const Objective objective = tempered_pcd(two_modes(scalar(params, "theta", 0)), data,
                                             normals(-3, 0.25), ladder(with_base));
    const Mean found = trained(params, objective, {0.5, 100, 1000})[0];
    // The mean of a fluctuating logit is off by second order, a tenth of its variance.
    BOOST_TEST(found.off(theta) < 4, found.value() << " +- " << found.error());
    BOOST_TEST(found.error() < 0.03);
  }
  // Langevin chains stay on the left, as long as there is a mode: theta grows at every step.
  ad::Params params;
  const Objective objective =
      pcd(two_modes(scalar(params, "theta", 0)), data, 400, normals(-3, 0.25),
          {.dim = 1, .batch = 400, .steps = 32, .step_size = 0.02, .key = {2}});
  fit(params, objective, sgd(), {.steps = 40, .learning_rate = constant(0.5)});
  BOOST_TEST(params.values()[0] > 10 * theta);
}

// Local moves are exact: the precision is that of the data, without the bias of Langevin steps.
BOOST_AUTO_TEST_CASE(tempered_chains_learn_the_precision_without_bias) {
  for (const double v : {0.04, 1.0}) {
    ad::Params params;
    const Objective objective = tempered_pcd(quadratic(scalar(params, "a", 0.7 / v)),
                                             gaussian_data({0, 0}, v, {1}), normals(0, 4 * v),
                                             {.dim = 2,
                                              .batch = 400,
                                              .betas = {1, 0.5},
                                              .local_steps = 3,
                                              .step_size = 0.3 * v,
                                              .key = {2}});
    const Mean a = trained(params, objective, {0.1 / (v * v), 200, 2000})[0];
    BOOST_TEST(a.off(1 / v) < 4, a.value() << " +- " << a.error());
    BOOST_TEST(a.error() < 0.006 / v);
  }
}

BOOST_AUTO_TEST_CASE(only_the_coldest_replicas_are_negatives) {
  // At beta = 0.05 the law is 20 times as wide; mixed in, it would show at once.
  ad::Params params;
  const Objective objective = tempered_pcd(
      quadratic(scalar(params, "a", 1)), gaussian_data({0, 0}, 1, {1}), normals(0, 1),
      {.dim = 2, .batch = 500, .betas = {1, 0.05}, .local_steps = 3, .step_size = 0.5, .key = {2}});
  Inputs inputs(objective);
  Mean variance;
  for (std::uint32_t t = 0; t < 250; ++t) {
    inputs.feed(objective, t);
    if (t < 50) continue;
    double sum = 0;
    for (const Real x : inputs.views[1].flat()) sum += double(x) * double(x) / 1000;
    variance.add(sum);
  }
  BOOST_TEST(variance.off(1) < 5, variance.value() << " +- " << variance.error());
  BOOST_TEST(variance.error() < 0.01);
}

BOOST_AUTO_TEST_CASE(a_ladder_that_leads_nowhere_is_refused) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", 1));
  const auto with = [&](std::vector<double> betas, std::size_t batch) {
    tempered_pcd(energy, data, normals(0, 1),
                 {.dim = 1, .batch = batch, .betas = std::move(betas)});
  };
  BOOST_CHECK_THROW(with({1}, 10), std::invalid_argument);
  BOOST_CHECK_THROW(with({1, 0}, 10), std::invalid_argument);  // no base to draw from
  BOOST_CHECK_THROW(with({1, 0.5}, 0), std::invalid_argument);
}
