#include <boost/test/unit_test.hpp>
#include <numbers>

#include "tests/train/support.hpp"
#include "train/adaptive_flow.hpp"
#include "train/pcd.hpp"

using namespace eqp;
using namespace eqp::train;

// Two modes of unequal width whose weights are one parameter: the base has half of its mass on
// either side, and E(x) = -theta [x_0 > 0] gives the right side sigmoid(theta) of the model's.
namespace {

constexpr double kLeft = 0.05, kRight = 0.1;  // variances of the modes at -1.5 and 1.5
constexpr double kWeight = 2. / 3;            // of the right mode in the data

// x_0 from the mixture, by the sign of the second normal; x_1 is the logarithm of its size, which
// the sign leaves independent.
class TwoModes final : public flows::Base {
 public:
  std::size_t dim() const override { return 2; }
  ad::Var draw(ad::Var noise) const override {
    const ad::Var a = slice(noise, 1, 0, 1), b = slice(noise, 1, 1, 2);
    const ad::Var right = greater(b, full(*noise.tape, b.shape(), 0));
    return ad::concat({where(right, a * std::sqrt(kRight) + 1.5, a * std::sqrt(kLeft) - 1.5),
                       0.5 * log(square(b))},
                      1);
  }
  ad::Var log_prob(ad::Var z) const override {
    const ad::Var x = slice(z, 1, 0, 1), y = slice(z, 1, 1, 2);
    const ad::Var left = polynomial(square(x + 1.5), {-0.5 * std::log(kLeft), -0.5 / kLeft});
    const ad::Var right = polynomial(square(x - 1.5), {-0.5 * std::log(kRight), -0.5 / kRight});
    return ad::logsumexp(ad::concat({left, right}, 1), 1) + sum(y - 0.5 * exp(2 * y), 1) -
           std::log(2 * std::numbers::pi);
  }
};

struct Model {
  ad::Params params, flow_params;
  ad::Param theta = scalar(params, "theta", 0);
  flows::Flow flow{std::make_shared<TwoModes>(), {}};
  mcmc::Energy energy = tilted(
      [this](ad::Var x) {
        const ad::Var x0 = slice(x, 1, 0, 1);
        return sum(-theta.on(*x.tape) * greater(x0, full(*x.tape, x0.shape(), 0)), 1);
      },
      flow);
};

void data(std::uint32_t t, ad::View out) {
  const ad::BlockRng rng{{1}, t};
  rng.normal(out);
  for (std::size_t i = 0; i < out.rows(); ++i) {
    const bool right = rng.uniform(i) < kWeight;
    out(i, 0) = Real(double(out(i, 0)) * std::sqrt(right ? kRight : kLeft) + (right ? 1.5 : -1.5));
    out(i, 1) = Real(std::log(std::abs(double(out(i, 1)))));
  }
}

double share_on_the_right(ad::ConstView x) {
  double count = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) count += x(i, 0) > 0;
  return count / double(x.rows());
}

// Mean probability to move of i-SIR among n particles when a right state weighs w and is w times
// as frequent as a left one: the number of fresh particles on the right is binomial.
double move_rate(double w, std::size_t n) {
  double rate = 0, binomial = std::pow(0.5, double(n - 1));
  for (std::size_t k = 0; k < n; ++k) {
    const double fresh = double(k) * w + double(n - 1 - k);
    rate += binomial * (w / (w + 1) * fresh / (fresh + w) + 1 / (w + 1) * fresh / (fresh + 1));
    binomial *= double(n - 1 - k) / double(k + 1);
  }
  return rate;
}

}  // namespace

BOOST_AUTO_TEST_CASE(global_moves_balance_two_modes_at_the_known_rate) {
  Model m;
  m.params.mutate()[0] = Real(std::log(2));
  const Objective objective = adaptive_flow(m.energy, data, m.flow, m.flow_params,
                                            {.batch = 500,
                                             .bank = 500,
                                             .particles = 4,
                                             .local_steps = 1,
                                             .cycles = 1,
                                             .flow_updates = 0,
                                             .key = {2}});
  Inputs inputs(objective);
  Mean moves, share;
  for (std::uint32_t t = 0; t < 220; ++t) {
    const StepLog log = inputs.feed(objective, t);
    if (t < 20) continue;
    moves.add(log.global_moves);
    share.add(share_on_the_right(inputs.views[1]));
  }
  BOOST_TEST(move_rate(1, 4) == 0.75, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(moves.off(move_rate(2, 4)) < 5, moves.value() << " +- " << moves.error());
  BOOST_TEST(moves.error() < 0.001);
  BOOST_TEST(share.off(kWeight) < 6);  // a state stays for 1.5 steps or so
  BOOST_TEST(share.error() < 0.003);
}

BOOST_AUTO_TEST_CASE(adaptive_flow_finds_the_weights_of_two_modes) {
  Model m;
  const Objective objective = adaptive_flow(
      m.energy, data, m.flow, m.flow_params,
      {.batch = 256, .bank = 512, .local_steps = 2, .cycles = 1, .flow_updates = 0, .key = {2}});
  const Mean theta = trained(m.params, objective, {0.5, 60, 600})[0];
  BOOST_TEST(theta.off(std::log(2)) < 4, theta.value() << " +- " << theta.error());
  BOOST_TEST(theta.error() < 0.0125);  // four of them are 0.05
  BOOST_TEST(std::abs(theta.value() - std::log(2)) < 0.05);
}

// Langevin chains do not hop: half of them stay on the right whatever theta says, and theta grows
// by a sixth of the learning rate at every step, for ever.
BOOST_AUTO_TEST_CASE(persistent_langevin_chains_let_the_weight_drift_away) {
  Model m;
  const std::uint32_t steps = 400;
  const double rate = 0.5;
  const Objective objective =
      pcd(m.energy, data, 512, base_sampler(m.flow),
          {.dim = 2, .batch = 256, .steps = 5, .step_size = 0.005, .key = {2}});
  Mean gradient;
  double before = 0;
  fit(m.params, objective, sgd(), {.steps = steps, .learning_rate = constant(rate)},
      [&](std::uint32_t, const StepLog&) {
        gradient.add((before - m.params.values()[0]) / rate);
        before = m.params.values()[0];
        return true;
      });
  ad::Tensor bank({512, 2});
  base_sampler(m.flow)(bank, ad::Key{2}.fork(0).fork(0), 0);
  BOOST_TEST(gradient.off(share_on_the_right(bank) - kWeight) < 4);
  BOOST_TEST(gradient.error() < 0.003);
  BOOST_TEST(before > 20);  // sigmoid: the left mode has 1e-9 of the mass instead of a third
}
