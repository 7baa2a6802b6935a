#include <boost/test/unit_test.hpp>
#include <cmath>

#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

// log-densities are sums of a few terms of size 1 to 10
constexpr double kTolerance = sizeof(Real) == 4 ? 1e-5 : 1e-12;

/// U = |x|^2 / (2 s^2), not normalised.
Energy quadratic(double s) {
  return [=](ad::Var x) { return sum(square(x), 1) / (2 * s * s); };
}

double squared_norm(std::span<const Real> x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}

// Two modes in the first coordinate: 1/2 N(-1.5, 0.05) + 1/2 N(1.5, 0.1). The second one, a
// standard normal, chooses the mode by its sign, so that both are affine in normals.
ad::Var log_rho(ad::Var x) {
  const std::size_t n = x.shape()[0];
  const ad::Var a = reshape(slice(x, 1, 0, 1), {n}), b = reshape(slice(x, 1, 1, 2), {n});
  const ad::Var left = -square(a + 1.5) / 0.1 - 0.5 * std::log(0.05);
  const ad::Var right = -square(a - 1.5) / 0.2 - 0.5 * std::log(0.1);
  return where(greater(b, 0 * b), right, left) - 0.5 * square(b);
}

Proposal two_modes() {
  return {
      .dim = 2,
      .sample =
          [](ad::Var noise) {
            const ad::Var a = slice(noise, 1, 0, 1), b = slice(noise, 1, 1, 2);
            const ad::Var x = ad::concat(
                {where(greater(b, 0 * b), 1.5 + std::sqrt(0.1) * a, -1.5 + std::sqrt(0.05) * a), b},
                1);
            return std::pair(x, log_rho(x));
          },
      .log_prob = log_rho};
}

/// rho tilted by -theta on the right: weight sigmoid(theta) there, 2/3 at log 2.
Energy tilted(std::function<ad::Var(ad::Tape&)> theta) {
  return [=](ad::Var x) {
    const ad::Var a = reshape(slice(x, 1, 0, 1), {x.shape()[0]});
    return -(theta(*x.tape) * greater(a, 0 * a)) - log_rho(x);
  };
}

Energy two_thirds() {
  return tilted([](ad::Tape& tape) { return full(tape, {1}, std::log(2.0)); });
}

/// n chains at the centres of the modes, the first `right` of them on the right.
ad::Tensor at_modes(std::size_t n, std::size_t right) {
  ad::Tensor x({n, 2});
  for (std::size_t i = 0; i < n; ++i) {
    x(i, 0) = Real(i < right ? 1.5 : -1.5);
    x(i, 1) = Real(i < right ? 1 : -1);
  }
  return x;
}

double fraction_right(ad::ConstView x) {
  double right = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) right += x(i, 0) > 0;
  return right / double(x.rows());
}

double standard_error(double p, std::size_t n) { return std::sqrt(p * (1 - p) / double(n)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(closed_forms)

BOOST_AUTO_TEST_CASE(a_proposal_equal_to_the_target_is_always_accepted) {
  const IndependentMh kernel(quadratic(1), gaussian_proposal({0, 0, 0}, {1, 1, 1}));
  const auto result = run(kernel, ad::normal({50, 3}, {.seed = 1}), {.steps = 20});
  BOOST_TEST(result.counts.proposed == 1000.0);
  BOOST_TEST(result.counts.rate() == 1.0, boost::test_tools::tolerance(kTolerance));
}

BOOST_AUTO_TEST_CASE(isir_with_equal_weights_chooses_uniformly) {
  for (const std::size_t particles : {2, 3, 32, 64, 128}) {
    const double n = double(particles);
    const Isir kernel(quadratic(1), gaussian_proposal({0, 0}, {1, 1}), {.particles = particles});
    const ad::Tensor x0 = ad::normal({2000, 2}, {.seed = 2});
    const auto result = run(kernel, x0, {.steps = 1, .key = {.seed = 3}});
    BOOST_TEST(result.counts.rate() == (n - 1) / n, boost::test_tools::tolerance(kTolerance));
    BOOST_TEST(result.counts.mean_weight_ess() == n, boost::test_tools::tolerance(kTolerance));
    std::size_t moved = 0;
    for (std::size_t i = 0; i < 2000; ++i) moved += result.last(i, 0) != x0(i, 0);
    BOOST_TEST(std::abs(double(moved) / 2000 - (n - 1) / n) < 4 * standard_error(1 / n, 2000));
  }
}

BOOST_AUTO_TEST_CASE(independent_mh_hops_between_two_modes_as_computed) {
  const IndependentMh kernel(two_thirds(), two_modes());
  const std::size_t n = 30000;
  const auto step = [&](std::size_t right) {
    return run(kernel, at_modes(n, right), {.steps = 1, .key = {.seed = 4}});
  };
  BOOST_TEST(std::abs(fraction_right(step(n).last) - 3.0 / 4) < 4 * standard_error(0.25, n));
  BOOST_TEST(std::abs(fraction_right(step(0).last) - 1.0 / 2) < 4 * standard_error(0.5, n));
  // In equilibrium 5/6; the only noise is the side of the proposal, 1 or 1/2 for the right 2/3.
  const double error = 2.0 / 3 * 0.5 * std::sqrt(0.25 / (2.0 / 3 * double(n)));
  BOOST_TEST(std::abs(step(n / 3 * 2).counts.rate() - 5.0 / 6) < 4 * error);
}

BOOST_AUTO_TEST_CASE(isir_with_two_particles_is_barkers_rule) {
  const std::size_t n = 30000;
  const Isir kernel(two_thirds(), two_modes(), {.particles = 2});
  const auto step = [&](std::size_t right) {
    return run(kernel, at_modes(n, right), {.steps = 1, .key = {.seed = 5}});
  };
  // Half of the proposals are on the other side, where they weigh 1 against 2 or 2 against 1.
  BOOST_TEST(std::abs(fraction_right(step(n).last) - 5.0 / 6) < 4 * standard_error(1.0 / 6, n));
  BOOST_TEST(std::abs(fraction_right(step(0).last) - 1.0 / 3) < 4 * standard_error(1.0 / 3, n));

  // P(move) = w(y) / (w(x) + w(y)), chain by chain, with w from the formulas.
  const auto log_w = [](std::span<const Real> x) {
    return -squared_norm(x) / (2 * 0.8 * 0.8) + squared_norm(x) / (2 * 1.3 * 1.3);
  };
  const Isir gaussian(quadratic(0.8), gaussian_proposal({0, 0}, {1.3, 1.3}), {.particles = 2});
  const ad::Tensor x = ad::normal({20, 2}, {.seed = 6});
  for (std::uint32_t i = 0; i < 20; ++i) {
    auto s = gaussian.init(x.view().slice(i, 1));
    gaussian.step(s, {{.seed = 7}, 0, i});
    const double wx = std::exp(log_w(x.row(i))), wy = std::exp(log_w(s.fresh.out(0).row(0)));
    BOOST_TEST(s.counts.accepted == wy / (wx + wy), boost::test_tools::tolerance(10 * kTolerance));
    BOOST_TEST(s.counts.weight_ess == (wx + wy) * (wx + wy) / (wx * wx + wy * wy),
               boost::test_tools::tolerance(10 * kTolerance));
  }
}

BOOST_AUTO_TEST_CASE(langevin_proposals_on_a_gaussian_are_accepted_as_computed) {
  // log a = -(h / (4 s^4)) (|y|^2 - |x|^2); a single leapfrog step t is Langevin with h = t^2 / 2.
  const double s = 0.7, h = 0.5;
  const Mala mala(quadratic(s), 3, {.step_size = h});
  const Hmc hmc(quadratic(s), 3, {.step_size = std::sqrt(2 * h), .leapfrog_steps = 1});
  const ad::Tensor x = ad::normal({20, 3}, {.seed = 8});
  std::size_t rejected = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    const ad::ConstView start = x.view().slice(i, 1);
    const auto check = [&](auto state, const auto& kernel) {
      kernel.step(state, {{.seed = 9}, 0, i});
      const double log_a = -h / (4 * std::pow(s, 4)) *
                           (squared_norm(state.proposal.row(0)) - squared_norm(start.flat()));
      BOOST_TEST(state.counts.accepted == std::min(1.0, std::exp(log_a)),
                 boost::test_tools::tolerance(20 * kTolerance));
      rejected += log_a < -0.1;
    };
    check(mala.init(start), mala);
    check(hmc.init(start), hmc);
  }
  BOOST_TEST(rejected > 5u);
}

BOOST_AUTO_TEST_CASE(a_weight_learned_with_isir_negatives_converges) {
  // Ascent of the likelihood of theta: its derivative is w_data - sigmoid(theta), estimated from
  // 256 persistent chains; the maximum is log 2 for data with 2/3 on the right.
  ad::Params params;
  const ad::Param theta =
      params.add("theta", {1}, [](std::span<Real> v) { std::ranges::fill(v, Real(-2)); });
  const Isir kernel(tilted([=](ad::Tape& tape) { return theta.on(tape); }), two_modes(),
                    {.particles = 32});
  Chains chains(kernel, at_modes(256, 0));
  double average = 0;
  for (std::uint32_t t = 0; t < 1500; ++t) {
    chains.refresh(kernel);
    chains.advance(kernel, t, 1, {.seed = 10});
    const double gradient = 2.0 / 3 - fraction_right(chains.positions());
    params.mutate()[0] += Real(0.05 * gradient);
    if (t >= 1000) average += double(params.values()[0]) / 500;
  }
  BOOST_TEST(std::abs(average - std::log(2.0)) < 0.05);
}

BOOST_AUTO_TEST_SUITE_END()
