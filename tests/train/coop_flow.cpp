#include "train/coop_flow.hpp"

#include <boost/test/unit_test.hpp>

#include "flows/base.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

// U(x) = a |x|^2 / 2 in the plane and a flow N(0, s^2 I) whose scale is learned. K descents of step
// h shrink a draw to (1 - h a)^K of itself.
namespace {

constexpr std::uint32_t kSteps = 5;
constexpr double kStep = 0.1, kDataVariance = 0.5;

struct Model {
  ad::Params params, flow_params;
  std::shared_ptr<flows::TrainableGaussian> base;
  flows::Flow flow;
  mcmc::Energy energy;

  Model(double a, double flow_variance)
      : base(std::make_shared<flows::TrainableGaussian>(flow_params, "base", 2, flow_variance)),
        flow(base, {}),
        energy(quadratic(scalar(params, "a", a))) {}

  Objective objective(CoopFlowOptions options) {
    options.steps = kSteps;
    options.step_size = kStep;
    options.key = {3};
    return coop_flow(energy, gaussian_data({0, 0}, kDataVariance, {2}), flow, flow_params, options);
  }
  std::vector<Real> flow_values() const {
    return {flow_params.values().begin(), flow_params.values().end()};
  }
};

// The variance of the negatives.
double descended(double variance, double a, double noise) {
  for (std::uint32_t k = 0; k < kSteps; ++k) {
    variance = std::pow(1 - kStep * a, 2) * variance + noise * noise;
  }
  return variance;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coop_flow_)

BOOST_AUTO_TEST_CASE(negatives_are_fresh_draws_of_the_flow_that_went_down_the_energy) {
  for (const double noise : {0.0, std::sqrt(2 * kStep)}) {
    const double a = 1.3, flow_variance = 0.8;
    Model m(a, flow_variance);
    const AtRest found =
        at_rest(m.params, m.objective({.batch = 500, .noise = noise, .flow_starts = 1000}), 400);
    const double w = descended(flow_variance, a, noise);
    BOOST_TEST(found.gradient[0].off(kDataVariance - w) < 4);
    BOOST_TEST(found.gradient[0].error() < 0.003);
    BOOST_TEST(found.loss.off(a * (kDataVariance - w)) < 4);
  }
}

BOOST_AUTO_TEST_CASE(the_flow_learns_the_negatives_once_its_time_has_come) {
  Model m(1.3, 0.8), reference(1.3, 0.8);
  const Objective objective =
      m.objective({.batch = 100, .flow_starts = 7, .flow_learning_rate = [](std::uint32_t t) {
                     return t == 7 ? 0.02 : 0.3;
                   }});
  Inputs inputs(objective);
  const std::vector<Real> start = m.flow_values();
  StepLog log = inputs.feed(objective, 6);
  objective.after(6, inputs.views, log);
  BOOST_TEST(m.flow_values() == start, boost::test_tools::per_element());
  BOOST_TEST(std::isnan(log.flow_loss));

  log = inputs.feed(objective, 7);
  objective.after(7, inputs.views, log);
  Update likelihood("reference", reference.flow_params, {{2}}, flow_loss(reference.flow), adam(),
                    {});
  const ad::ConstView batch[] = {inputs.views[1]};
  BOOST_TEST(log.flow_loss == likelihood.step(batch, 0.02).loss);
  BOOST_CHECK(m.flow_values() != start);
  BOOST_TEST(m.flow_values() == reference.flow_values(), boost::test_tools::per_element());
  BOOST_TEST(m.params.values()[0] == Real(1.3));
}

BOOST_AUTO_TEST_CASE(what_slows_the_training_slows_its_flow) {
  Model m(1.3, 0.8);
  const Objective objective = m.objective({.batch = 100});
  Inputs inputs(objective);
  const std::vector<Real> start = m.flow_values();
  StepLog log = inputs.feed(objective, 0);
  log.pace = 0;
  objective.after(0, inputs.views, log);
  BOOST_TEST(std::isfinite(log.flow_loss));
  BOOST_TEST(m.flow_values() == start, boost::test_tools::per_element());
}

// The flow rests where descents do not move its draws, the energy where they have the data's mean
// |x|^2, which is all it sees: the flow is right in that, and the energy has learned nothing.
BOOST_AUTO_TEST_CASE(it_ends_with_the_flow_at_the_data_and_a_flat_energy) {
  Model m(0.4, 0.8);
  const Objective objective = m.objective({.batch = 500, .flow_learning_rate = constant(2e-3)});
  const Mean a = trained(m.params, objective, {0.2, 2000, 2000})[0];
  BOOST_TEST(a.off(0) < 4, a.value() << " +- " << a.error());
  BOOST_TEST(a.error() < 0.01);
  double squares = 0;  // E |x|^2 of the flow
  for (const ad::Params::Entry& e : m.flow_params.entries()) {
    for (const double v : m.flow_params.view(e).flat()) {
      squares += e.name == "base.log_scale" ? std::exp(2 * v) : v * v;
    }
  }
  BOOST_TEST(std::abs(squares / (2 * kDataVariance) - 1) < 0.05);  // Adam hovers within its rate
}

BOOST_AUTO_TEST_CASE(its_chains_start_from_the_flow_and_descend) {
  const double a = 1.3, flow_variance = 0.8;
  Model m(a, flow_variance);
  const Objective objective = m.objective({.batch = 100, .starts = 4000});
  BOOST_TEST_REQUIRE(objective.chains.has_value());
  const ad::Tensor start = objective.chains->starts();
  const mcmc::RunResult run =
      objective.chains->run(start, {.steps = objective.chains->steps, .key = {5}});
  Mean square;
  const double factor = std::pow(1 - kStep * a, double(kSteps));
  for (std::size_t k = 0; k < start.size(); ++k) {
    square.add(double(start[k]) * start[k]);
    BOOST_TEST(std::abs(run.last[k] - factor * start[k]) < 1e-5);
  }
  BOOST_TEST(square.off(flow_variance) < 4);
}

BOOST_AUTO_TEST_SUITE_END()
