#include "train/nt_ebm.hpp"

#include <boost/test/unit_test.hpp>

#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "flows/realnvp.hpp"
#include "mcmc/pull_back.hpp"
#include "tests/message.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

// The flow is x = b + e^s z of z from N(0, I), so that lambda is N(b, e^2s I); b = 0 and s = 0 make
// it the identity, and the model that of a tilted energy. All models are then Gaussian.
namespace {

constexpr bool kSingle = sizeof(Real) == 4;

struct Model {
  double shift, log_scale;
  ad::Params params, flow_params;
  std::shared_ptr<flows::ElementwiseAffine> map =
      std::make_shared<flows::ElementwiseAffine>(flow_params, "map", 2);
  flows::Flow flow{std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)), {map}};
  ad::Param theta =
      params.add("theta", {2}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
  // exp(-theta . x) lambda(x) is N(b - e^2s theta, e^2s I).
  mcmc::Energy linear = [this](ad::Var x) { return sum(x * theta.on(*x.tape), 1); };

  Model(double b, double s) : shift(b), log_scale(s) {
    for (const ad::Params::Entry& e : flow_params.entries()) {
      const double value = e.name == "map.shift" ? b : s;
      std::ranges::fill(flow_params.mutate().subspan(e.offset, 2), Real(value));
    }
  }
  double variance() const { return std::exp(2 * log_scale); }
  void set(double a, double b) {
    const std::span<Real> v = params.mutate();
    v[0] = Real(a), v[1] = Real(b);
  }
};

struct Case {
  double shift, log_scale;
};
const std::vector<Case> kCases{{0, 0}, {0.8, 0.4}, {-1.5, -0.5}};
const std::vector<double> kDataMean{0.4, -0.7};

NtEbmOptions few(std::uint32_t steps) {
  return {.batch = 200, .bank = 400, .steps = steps, .step_size = 0.5, .key = {3}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nt_ebm_)

BOOST_AUTO_TEST_CASE(in_latent_space_the_log_determinants_cancel) {
  ad::Params params;
  const flows::Flow flow = flows::realnvp(params, "flow", 2, {.blocks = 2, .hidden = {8}}, {1});
  ad::Draws draws(ad::Key{2});
  for (Real& v : params.mutate()) v = Real(0.7 * draws.normal());
  const mcmc::Energy network = [](ad::Var x) { return sum(tanh(x) + 0.1 * square(x), 1); };
  const auto both = ad::evaluate(
      [&](std::span<const ad::Var> z) -> ad::Vars {
        return {latent_energy(network, flow)(z[0]),
                mcmc::pull_back(tilted_flow(network, flow), mcmc::transport(flow))(z[0]),
                flow.forward(z[0]).log_det};
      },
      {ad::normal({50, 2}, {4})});
  double largest = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    BOOST_TEST(std::abs(both[0][i] - both[1][i]) < (kSingle ? 1e-4 : 1e-11));
    largest = std::max(largest, std::abs(double(both[2][i])));
  }
  BOOST_TEST(largest > 0.5);  // there was something to cancel
}

// d/dtheta: mean of the data - mean of the model.
BOOST_AUTO_TEST_CASE(a_linear_energy_shifts_the_flow_to_the_mean_of_the_data) {
  for (const auto& [shift, log_scale] : kCases) {
    BOOST_TEST_CONTEXT("shift " << shift << ", log scale " << log_scale) {
      Model m(shift, log_scale);
      m.set(0.5, -0.3);
      const Objective objective =
          nt_ebm(m.linear, gaussian_data(kDataMean, 1, {2}), m.flow, few(4));
      const std::vector<Real> flow_before(m.flow_params.values().begin(),
                                          m.flow_params.values().end());
      const AtRest found = at_rest(m.params, objective, 400);
      const double theta[] = {0.5, -0.3};
      for (std::size_t j = 0; j < 2; ++j) {
        // A batch is half of the bank, whose states forget within an update or two.
        BOOST_TEST(found.gradient[j].off(kDataMean[j] - shift + m.variance() * theta[j]) < 6);
        BOOST_TEST(found.gradient[j].error() < 0.01 * std::sqrt(1 + m.variance()));
      }
      const std::vector<Mean> learned = trained(m.params, objective, {0.2 / m.variance(), 50, 600});
      for (std::size_t j = 0; j < 2; ++j) {
        const double expected = (shift - kDataMean[j]) / m.variance();
        BOOST_TEST(learned[j].off(expected) < 4, learned[j].value()
                                                     << " +- " << learned[j].error());
        BOOST_TEST(learned[j].error() < 0.02 / std::sqrt(m.variance()));
      }
      BOOST_TEST(std::ranges::equal(flow_before, m.flow_params.values()));
    }
  }
}

// exp(-a |x|^2 / 2) lambda(x) has precision a + e^-2s.
BOOST_AUTO_TEST_CASE(a_quadratic_energy_narrows_the_flow_to_the_variance_of_the_data) {
  const double variance = 0.6;
  for (const double log_scale : {0.0, 0.3}) {
    Model m(0, log_scale);
    ad::Params params;
    const Objective objective = nt_ebm(quadratic(scalar(params, "a", 0)),
                                       gaussian_data({0, 0}, variance, {2}), m.flow, few(4));
    const Mean a = trained(params, objective, {0.2 / variance, 100, 600})[0];
    BOOST_TEST(a.off(1 / variance - 1 / m.variance()) < 4, a.value() << " +- " << a.error());
    BOOST_TEST(a.error() < 0.03);
  }
}

BOOST_AUTO_TEST_CASE(its_chains_run_in_data_space_and_leave_the_model_alone) {
  Model m(0.8, 0.4);
  m.set(0.5, -0.3);
  NtEbmOptions options = few(4);
  options.bank = 500;
  const Objective objective = nt_ebm(m.linear, gaussian_data(kDataMean, 1, {2}), m.flow, options);
  BOOST_TEST_REQUIRE(objective.chains.has_value());
  BOOST_TEST(objective.chains->steps == 4u);
  const ad::Tensor start = objective.chains->starts();
  BOOST_TEST((start.shape() == ad::Shape{500, 2}));
  const ad::Tensor draws = objective.chains->run(start, {.steps = 200, .key = {9}}).draws;
  for (std::size_t j = 0; j < 2; ++j) {
    const double expected = 0.8 - m.variance() * (j == 0 ? 0.5 : -0.3);
    Mean first, mean, square;  // of 500 independent chains
    for (std::size_t c = 0; c < 500; ++c) {
      first.add(start(c, j));
      double sum = 0, squares = 0;
      for (std::size_t t = 50; t < 200; ++t) {
        const double centred = draws[(c * 200 + t) * 2 + j] - expected;
        sum += centred / 150, squares += centred * centred / 150;
      }
      mean.add(sum), square.add(squares);
    }
    BOOST_TEST(first.off(0.8) < 4);  // the bank starts from the flow
    BOOST_TEST(mean.off(0) < 4);
    BOOST_TEST(square.off(m.variance()) < 4);
    BOOST_TEST(mean.error() < 0.02);
  }
}

BOOST_AUTO_TEST_CASE(the_step_size_adapts_to_its_target) {
  Model m(0, 0);
  NtEbmOptions options = few(2);
  options.step_size = 1e-3;
  options.target_accept = 0.9;
  ad::Params params;
  const Objective objective =
      nt_ebm(quadratic(scalar(params, "a", 19)), gaussian_data({0, 0}, 1, {2}), m.flow, options);
  Inputs inputs(objective);
  Mean acceptance;
  for (std::uint32_t t = 0; t < 200; ++t) {
    const StepLog log = inputs.feed(objective, t);
    if (t >= 100) acceptance.add(log.acceptance);
  }
  BOOST_TEST(std::abs(acceptance.value() - 0.9) < 0.04);
}

// Else an energy that has changed in scale is far away before its chains move again.
BOOST_AUTO_TEST_CASE(long_chains_find_their_step_size_within_some_updates) {
  Model m(0, 0);
  NtEbmOptions options = few(100);
  options.step_size = 1;
  ad::Params params;
  const Objective objective =
      nt_ebm(quadratic(scalar(params, "a", 1000)), gaussian_data({0, 0}, 1, {2}), m.flow, options);
  Inputs inputs(objective);
  double acceptance = 0;
  BOOST_TEST(inputs.feed(objective, 0).acceptance < 0.01);
  for (std::uint32_t t = 1; t < 15; ++t) acceptance = inputs.feed(objective, t).acceptance;
  BOOST_TEST(std::abs(acceptance - 0.75) < 0.1);
}

BOOST_AUTO_TEST_CASE(chains_without_steps_or_with_too_few_states_are_refused) {
  Model m(0, 0);
  const DataSource data = gaussian_data(kDataMean, 1, {2});
  const auto why = [&](const NtEbmOptions& options) {
    return eqp::test::message<std::invalid_argument>(
        [&] { nt_ebm(m.linear, data, m.flow, options); });
  };
  BOOST_TEST(why(few(0)) == "nt_ebm: chains of 0 steps: need at least 1");
  NtEbmOptions options = few(3);
  options.negatives = Negatives::subsample;
  BOOST_TEST(why(options) == "nt_ebm: 4 negatives per chain: need 1 to its 3 states");
}

BOOST_AUTO_TEST_SUITE_END()
