#include "train/adaptive_flow.hpp"

#include <boost/test/unit_test.hpp>

#include "flows/base.hpp"
#include "flows/realnvp.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

// The base is N(0, I) in the plane and the network E(x) = theta . x, so that the model is
// N(-theta, I).
namespace {

struct Model {
  ad::Params params, flow_params;
  ad::Param theta =
      params.add("theta", {2}, [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
  // As they are made, both flows are the identity.
  flows::Flow plain{std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)), {}};
  flows::Flow trainable = flows::realnvp(flow_params, "flow", 2, {.blocks = 2, .hidden = {8}}, {1});
  mcmc::Energy energy = tilted([this](ad::Var x) { return sum(x * theta.on(*x.tape), 1); }, plain);
  DataSource data = gaussian_data({0.4, -0.7}, 1, {2});

  Objective objective(AdaptiveFlowOptions options) {
    options.key = {3};
    return adaptive_flow(energy, data, trainable, flow_params, options);
  }
  Objective with_fixed_flow(AdaptiveFlowOptions options) {
    options.key = {3};
    options.flow_updates = 0;
    return adaptive_flow(energy, data, plain, flow_params, options);
  }
  void set(double a, double b) {
    const std::span<Real> v = params.mutate();
    v[0] = Real(a), v[1] = Real(b);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(at_first_every_particle_weighs_the_same) {
  for (const std::size_t n : {2, 32, 128}) {
    for (const bool plain : {true, false}) {
      Model m;
      const AdaptiveFlowOptions options{.particles = n, .local_steps = 3};
      const Objective objective = plain ? m.with_fixed_flow(options) : m.objective(options);
      const StepLog log = Inputs(objective).feed(objective, 0);
      const double tolerance = plain ? 1e-6 : 1e-4;  // the network of the flow begins at 1e-6
      BOOST_TEST(std::abs(log.global_moves - double(n - 1) / double(n)) < tolerance);
      BOOST_TEST(std::abs(log.weight_ess / double(n) - 1) < tolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_negatives_follow_the_tilted_density) {
  struct Moves {
    std::uint32_t global, local;
  };
  for (const auto& [global, local] : {Moves{1, 0}, Moves{0, 8}, Moves{1, 3}}) {
    Model m;
    m.set(0.5, -0.3);
    const Objective objective = m.with_fixed_flow({.batch = 500,
                                                   .bank = 500,
                                                   .global_steps = global,
                                                   .local_steps = local,
                                                   .cycles = 1,
                                                   .step_size = 0.5});
    Inputs inputs(objective);
    Mean mean[2], square[2];
    for (std::uint32_t t = 0; t < 320; ++t) {
      inputs.feed(objective, t);
      if (t < 20) continue;
      for (std::size_t j = 0; j < 2; ++j) {
        double sum = 0, squares = 0;
        for (std::size_t i = 0; i < 500; ++i) {
          const double centred = inputs.views[1](i, j) + m.params.values()[j];
          sum += centred / 500, squares += centred * centred / 500;
        }
        mean[j].add(sum), square[j].add(squares);
      }
    }
    for (std::size_t j = 0; j < 2; ++j) {
      BOOST_TEST_CONTEXT(global << " global, " << local << " local, coordinate " << j) {
        BOOST_TEST(mean[j].off(0) < 5);  // successive means are nearly independent
        BOOST_TEST(square[j].off(1) < 5);
        BOOST_TEST(mean[j].error() < 0.01);
      }
    }
  }
}

// d/dtheta: mean of the data + theta.
BOOST_AUTO_TEST_CASE(a_linear_energy_learns_minus_the_mean_of_the_data) {
  Model m;
  m.set(0.5, -0.3);
  const AdaptiveFlowOptions options{.batch = 200, .bank = 400, .cycles = 1};
  const AtRest found = at_rest(m.params, m.with_fixed_flow(options), 300);
  BOOST_TEST(found.gradient[0].off(0.4 + 0.5) < 5);
  BOOST_TEST(found.gradient[1].off(-0.7 - 0.3) < 5);
  const std::vector<Mean> theta = trained(m.params, m.with_fixed_flow(options), {0.2, 50, 600});
  const double expected[] = {-0.4, 0.7};
  for (std::size_t j = 0; j < 2; ++j) {
    BOOST_TEST(theta[j].off(expected[j]) < 4, theta[j].value() << " +- " << theta[j].error());
    BOOST_TEST(theta[j].error() < 0.02);
  }
}

BOOST_AUTO_TEST_CASE(a_quadratic_energy_learns_the_variance_of_the_data) {
  for (const double variance : {0.4, 1.5}) {
    Model m;
    ad::Params params;
    const mcmc::Energy energy = tilted(quadratic(scalar(params, "a", 0)), m.plain);
    const Objective objective =
        adaptive_flow(energy, gaussian_data({0, 0}, variance, {2}), m.plain, m.flow_params,
                      {.batch = 200, .bank = 400, .cycles = 1, .flow_updates = 0, .key = {3}});
    const Mean a = trained(params, objective, {0.2 / variance, 100, 600})[0];
    const double expected = 1 / variance - 1;
    BOOST_TEST(a.off(expected) < 4, a.value() << " +- " << a.error());
    BOOST_TEST(a.error() < 0.03);
  }
}

// The chains live on from step to step, the energy does not: weights and energies of the states
// must be those of the new parameters.
BOOST_AUTO_TEST_CASE(chains_notice_that_the_energy_has_changed) {
  Model global, local;
  const Objective moves = global.with_fixed_flow(
      {.batch = 100, .bank = 100, .particles = 64, .local_steps = 0, .cycles = 1});
  const Objective drift = local.with_fixed_flow({.batch = 100,
                                                 .bank = 100,
                                                 .global_steps = 0,
                                                 .local_steps = 1,
                                                 .cycles = 1,
                                                 .step_size = 1e-4});
  Inputs inputs(moves);
  for (const double tilt : {4.0, -4.0}) {
    global.set(tilt, 0);
    local.set(tilt, 0);
    StepLog log = inputs.feed(moves, 0);
    // A state of the old tilt weighs e^-16 of what it did; with its old weight it would stay.
    BOOST_TEST(log.global_moves > 0.9);
    double side = 0;
    for (std::size_t i = 0; i < 100; ++i) side += inputs.views[1](i, 0) * tilt < 0;
    BOOST_TEST(side > 90);
    // So short a step is accepted, but not against an energy of the old tilt.
    log = inputs.feed(drift, 0);
    BOOST_TEST(log.acceptance > 0.98);
    BOOST_TEST(std::isnan(log.global_moves));
  }
}

BOOST_AUTO_TEST_CASE(the_local_step_size_adapts_to_its_target_and_is_capped) {
  Model m;
  ad::Params params;
  const mcmc::Energy narrow = tilted(quadratic(scalar(params, "a", 19)), m.plain);
  const AdaptiveFlowOptions options{.batch = 100,
                                    .bank = 100,
                                    .global_steps = 0,
                                    .local_steps = 2,
                                    .cycles = 1,
                                    .negatives = Negatives::all,
                                    .step_size = 1e-3,
                                    .target_accept = 0.7,
                                    .key = {3}};
  const Objective adapts = adaptive_flow(narrow, m.data, m.plain, m.flow_params, options);
  Mean acceptance;
  Inputs inputs(adapts);
  for (std::uint32_t t = 0; t < 200; ++t) {
    const StepLog log = inputs.feed(adapts, t);
    if (t >= 100) acceptance.add(log.acceptance);
  }
  BOOST_TEST(std::abs(acceptance.value() - 0.7) < 0.04);

  // On N(0, 100 I) every step is accepted: the step size would grow for ever.
  const flows::Flow wide{std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2, 1e4)),
                         {}};
  const mcmc::Energy flat = [=](ad::Var x) { return -wide.base().log_prob(x); };
  const Objective capped = adaptive_flow(flat, m.data, wide, m.flow_params, options);
  Mean move;
  for (std::uint32_t t = 0; t < 250; ++t) {
    inputs.feed(capped, t);
    for (std::size_t i = 0; t >= 200 && i < 100; i += 2) {  // the two states of a chain
      move.add(double(inputs.views[1](i + 1, 1)) - inputs.views[1](i, 1));
    }
  }
  BOOST_TEST(std::abs(std::sqrt(move.squares / move.n) - std::sqrt(2)) < 0.1);  // sqrt(2 h), h = 1
}
