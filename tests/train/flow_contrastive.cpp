#include "train/flow_contrastive.hpp"

#include <boost/test/unit_test.hpp>
#include <numbers>

#include "flows/base.hpp"
#include "tests/train/skewed.hpp"

using namespace eqp;
using namespace eqp::train;

// Skewed data on the line, an energy that can hold them, and a Gaussian flow that cannot.
namespace {

double softplus(double v) { return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)); }

struct Gaussian {
  double mean, log_scale;
  double log_prob(double x) const {
    const double z = (x - mean) / std::exp(log_scale);
    return -z * z / 2 - log_scale - 0.5 * std::log(2 * std::numbers::pi);
  }
};

// What the flow minimises, by quadrature on data and draws.
double value(const Skewed& model, double log_z, const Gaussian& q) {
  const auto odds = [&](double x) { return -model.at(x).u - log_z - q.log_prob(x); };
  const double on_data = Skewed::mean([&](double x) { return softplus(-odds(x)); });
  double on_draws = 0;
  const int n = 4000;
  for (int i = 0; i <= n; ++i) {
    const double z = -8 + 16. * i / n, x = q.mean + std::exp(q.log_scale) * z;
    on_draws +=
        std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) * (16. / n) * softplus(odds(x));
  }
  return -on_data - on_draws;
}

std::array<double, 2> flow_slopes(const Skewed& model, double log_z, const Gaussian& q) {
  return slopes(
      [&](double m, double s) {
        return value(model, log_z, {m, s});
      },
      q.mean, q.log_scale);
}

struct Game {
  SkewedModel model;
  ad::Params flow_params;
  flows::Flow flow{std::make_shared<flows::TrainableGaussian>(flow_params, "flow", 1), {}};
  explicit Game(const Skewed& at) : model(at) {}

  Objective objective(FlowContrastiveOptions o) {
    o.key = {4};
    return flow_contrastive(model.energy(), model.params, skewed_data({3}), flow, flow_params, o);
  }
  void set_flow(const Gaussian& q) {
    const auto v = flow_params.mutate();
    v[0] = Real(q.mean), v[1] = Real(q.log_scale);
  }
  Gaussian q() const { return {flow_params.values()[0], flow_params.values()[1]}; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_adversary_has_the_gradient_of_the_value_by_quadrature) {
  for (const Skewed at : {Skewed{}, Skewed{1.4, 0.5}}) {
    for (const Gaussian q : {Gaussian{0, 0}, Gaussian{0.7, -0.4}, Gaussian{-0.5, 0.5}}) {
      Game g(at);
      const Objective energy = g.objective({.batch = 1000});
      g.model.params.mutate()[2] = Real(0.2);  // log_z
      g.set_flow(q);
      const ad::Param log_z{&g.model.params, 2, {1}};
      const Objective flow{.name = "flow",
                           .batch = 1000,
                           .row_shapes = energy.row_shapes,
                           .loss = adversarial_flow_loss(g.flow, {g.model.energy(), log_z}),
                           .feed = energy.feed};
      const AtRest found = at_rest(g.flow_params, flow, 300);
      BOOST_TEST(found.loss.off(value(at, 0.2, q)) < 4);
      const auto gradient = flow_slopes(at, 0.2, q);
      for (std::size_t j = 0; j < 2; ++j) {
        BOOST_TEST(found.gradient[j].off(gradient[j]) < 4);
        BOOST_TEST(found.gradient[j].error() < 0.01);
      }
    }
  }
}

// Where the energy is the data's, the value is 2 JSD(data, flow) - 2 log 2: at the least -2 log 2,
// and the flow has nothing left to do when it is the data too.
BOOST_AUTO_TEST_CASE(the_value_is_the_jensen_shannon_divergence_at_the_data) {
  const Gaussian q{0.3, 0.1};
  const double jsd = 0.5 * Skewed::mean([&](double x) {
                       const double log_p = -Skewed{}.at(x).u;
                       return std::log(2) - std::log1p(std::exp(q.log_prob(x) - log_p));
                     }) +
                     0.5 * [&] {
                       double sum = 0;
                       for (int i = 0; i <= 8000; ++i) {
                         const double x = -10 + 20. * i / 8000, log_q = q.log_prob(x);
                         sum += std::exp(log_q) * 20 / 8000 *
                                (std::log(2) - std::log1p(std::exp(-Skewed{}.at(x).u - log_q)));
                       }
                       return sum;
                     }();
  BOOST_TEST(value({}, 0, q) == 2 * jsd - 2 * std::log(2), boost::test_tools::tolerance(1e-6));
}

// The energy ends at the data with log Z = 0, the flow where it is nearest to them in the
// Jensen-Shannon divergence. Rates fall to nothing, so that what is left are the last batches.
BOOST_AUTO_TEST_CASE(energy_and_flow_end_at_their_equilibrium) {
  Game g({0.7, 0.5});
  const std::uint32_t steps = 3000;
  const Objective objective =
      g.objective({.batch = 600, .flow_learning_rate = cosine(0.02, steps)});
  double flow_loss = 0;
  fit(g.model.params, objective, adam(), {.steps = steps, .learning_rate = cosine(0.02, steps)},
      [&](std::uint32_t, const StepLog& log) {
        flow_loss = log.flow_loss;
        return true;
      });
  const auto found = g.model.params.values();
  BOOST_TEST(std::abs(found[0] - 1) < 0.03);
  BOOST_TEST(std::abs(found[1] - Skewed::kTheta) < 0.05);
  BOOST_TEST(std::abs(found[2]) < 0.02);
  for (const double slope : flow_slopes({}, 0, g.q())) BOOST_TEST(std::abs(slope) < 0.01);
  BOOST_TEST(std::abs(flow_loss - value({}, 0, g.q())) < 0.05);  // of one batch
  BOOST_TEST(flow_loss > -2 * std::log(2));
}

BOOST_AUTO_TEST_CASE(without_updates_of_the_flow_it_is_noise_contrastive_estimation) {
  Game game({1.4, 0.5}), plain({1.4, 0.5});
  const Objective objective = game.objective({.batch = 200, .flow_updates = 0});
  const Objective reference = nce(plain.model.energy(), plain.model.params, skewed_data({3}),
                                  mcmc::from_flow(plain.flow), {.batch = 200, .key = {4}});
  fit(game.model.params, objective, adam(), {.steps = 20});
  fit(plain.model.params, reference, adam(), {.steps = 20});
  BOOST_TEST(game.model.params.values() == plain.model.params.values(),
             boost::test_tools::per_element());
  BOOST_TEST((game.flow_params.values()[0] == 0 && game.flow_params.values()[1] == 0));
}

BOOST_AUTO_TEST_CASE(what_slows_the_training_slows_the_adversary) {
  Game g({1.4, 0.5});
  const Objective objective = g.objective({.batch = 200});
  Inputs inputs(objective);
  StepLog log = inputs.feed(objective, 0);
  log.pace = 0;
  objective.after(0, inputs.views, log);
  BOOST_TEST(std::isfinite(log.flow_loss));
  BOOST_TEST((g.q().mean == 0 && g.q().log_scale == 0));
}
