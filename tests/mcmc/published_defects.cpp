#include <boost/test/unit_test.hpp>
#include <cmath>

#include "flows/base.hpp"
#include "flows/full_gaussian.hpp"
#include "mcmc/alternate.hpp"
#include "mcmc/elliptical_slice.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/importance.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/pull_back.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/mcmc/bend.hpp"
#include "tests/mcmc/laws.hpp"
#include "tests/mcmc/runs.hpp"

// What the published code of Grenioux et al. (2023) gets wrong about sampling, shown absent.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

double squared_norm(std::span<const Real> x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(published_defects)

BOOST_AUTO_TEST_CASE(temperature_is_applied_once_through_a_map) {
  // 1: the latent target was tempered, and then again by the kernel. N(0, I) at beta = 1/4 is N(0,
  // 4 I), through any map.
  const Transport map = transport(std::make_shared<test::Bend>());
  const Energy tempered = [](ad::Var x) { return 0.25 * (0.5 * sum(square(x), 1)); };
  const std::size_t n = 20000;
  ad::Tensor x0 = ad::normal({n, 2}, {.seed = 5});
  for (Real& v : x0.flat()) v *= 2;
  const auto last = run(Pulled(Mala(pull_back(tempered, map), 2, {.step_size = 0.3}), map), x0,
                        {.steps = 10, .key = {.seed = 6}})
                        .last;
  for (std::size_t j = 0; j < 2; ++j) {
    double variance = 0;
    for (std::size_t i = 0; i < n; ++i) variance += double(last(i, j)) * double(last(i, j)) / n;
    BOOST_TEST(std::abs(variance / 4 - 1) < 4 * std::sqrt(2.0 / n));
  }
}

BOOST_AUTO_TEST_CASE(weights_are_refreshed_after_local_steps) {
  // 3: after local steps the cached weight was still that of the position before them. The third
  // move is a global one, from where a local one led: accepted with w(y) / w(x), w = exp(-|x|^2 / 2
  // + |x|^2 / 8).
  const Energy energy = [](ad::Var x) { return 0.5 * sum(square(x), 1); };
  const auto log_w = [](std::span<const Real> x) { return -0.375 * squared_norm(x); };
  const Alternate kernel(IndependentMh(energy, gaussian_proposal({0, 0}, {2, 2})),
                         Mala(energy, 2, {.step_size = 0.5}),
                         {.local_steps = 1, .step = Step::move});
  const ad::Tensor x0 = ad::normal({30, 2}, {.seed = 1});
  std::size_t moved = 0;
  for (std::uint32_t i = 0; i < 30; ++i) {
    auto s = kernel.init(x0.view().slice(i, 1));
    for (std::uint32_t t = 0; t < 2; ++t) kernel.step(s, {{.seed = 2}, t, i});
    const ad::Tensor x(s.x());
    s.global.counts = {};
    kernel.step(s, {{.seed = 2}, 2, i});
    const double log_a = log_w(s.global.fresh.out(0).row(0)) - log_w(x.row(0));
    BOOST_TEST(s.global.counts.accepted == std::min(1.0, std::exp(log_a)),
               boost::test_tools::tolerance(sizeof(Real) == 4 ? 1e-4 : 1e-11));
    moved += log_a < 0;
  }
  BOOST_TEST(moved > 5u);
}

BOOST_AUTO_TEST_CASE(elliptical_slices_are_of_the_likelihood) {
  // 4: the slices were of the whole density. Base N(0, 4) and likelihood N(x; 3, 1) give N(2.4,
  // 0.8), slices of the posterior against the same ellipses N(2, 2/3).
  const Energy energy = [](ad::Var x) { return sum(square(x) / 8 + 0.5 * square(x - 3.0), 1); };
  const EllipticalSlice kernel(
      energy, std::make_shared<flows::DiagonalGaussian>(std::vector<double>{2}), {});
  const std::size_t n = 40000;
  ad::Tensor x0 = ad::normal({n, 1}, {.seed = 2});
  for (Real& v : x0.flat()) v = Real(2.4 + std::sqrt(0.8) * double(v));
  const auto result = run(kernel, x0, {.steps = 5, .key = {.seed = 3}});
  double mean = 0, variance = 0;
  for (const double v : result.last.flat()) mean += v / double(n);
  for (const double v : result.last.flat()) variance += (v - mean) * (v - mean) / double(n);
  BOOST_TEST(std::abs(mean - 2.4) < 4 * std::sqrt(0.8 / double(n)));
  BOOST_TEST(std::abs(variance / 0.8 - 1) < 4 * std::sqrt(2 / double(n)));
  BOOST_TEST(result.counts.rate() < 0.9);  // some brackets shrank
}

BOOST_AUTO_TEST_CASE(ellipses_are_of_the_base) {
  // 4: directions were N(0, I) whatever the base. Here they have its covariance, about its mean.
  const std::vector<double> covariance{2, 1.2, 1.2, 0.9};
  const auto base = std::make_shared<flows::FullGaussian>(std::vector<double>{3, -1}, covariance);
  const EllipticalSlice kernel([=](ad::Var x) { return -base->log_prob(x); }, base, {});
  const std::size_t n = 40000;
  auto s = kernel.init(ad::Tensor({n, 2}));
  kernel.step(s, {{.seed = 3}});
  const ad::ConstView v = s.direction.out(0);
  double xx = 0, xy = 0, yy = 0;
  for (std::size_t i = 0; i < n; ++i) {
    xx += double(v(i, 0)) * double(v(i, 0)) / double(n);
    xy += double(v(i, 0)) * double(v(i, 1)) / double(n);
    yy += double(v(i, 1)) * double(v(i, 1)) / double(n);
  }
  const double error = 4 * std::sqrt(2.0 / double(n));
  BOOST_TEST(std::abs(xx / 2 - 1) < error);
  BOOST_TEST(std::abs(xy / 1.2 - 1) < error);
  BOOST_TEST(std::abs(yy / 0.9 - 1) < error);
  BOOST_TEST(s.direction.out(1)[0] == 3);
  BOOST_TEST(s.direction.out(1)[1] == -1);
}

BOOST_AUTO_TEST_CASE(weighted_means_and_mode_weights_are_divided_once) {
  // 6: a mean was an unweighted sum, and a histogram of modes was divided by n twice.
  const Target target =
      isotropic_mixture({.weights = {0.3, 0.7}, .means = {{-2}, {2}}, .variances = {0.5, 0.5}});
  const auto s = importance_sample(target.energy, gaussian_proposal({0}, {3}), 50000, {.seed = 2});
  const auto [right, error] = s.mean([](std::span<const Real> x) { return x[0] > 0 ? 1.0 : 0.0; });
  BOOST_TEST(std::abs(right - 0.7) < 4 * error + 0.003);  // 0.23 % of each mode is beyond 0
  const auto [entropy, entropy_error] = s.mean([&](std::span<const Real> x) {
    const double at[] = {double(x[0])};
    return -target.log_prob(at);
  });
  double exact = 0;
  for (double x = -9; x < 9; x += 0.001) {
    const double at[] = {x}, log_p = target.log_prob(at);
    exact -= 0.001 * std::exp(log_p) * log_p;
  }
  BOOST_TEST(std::abs(entropy - exact) < 4 * entropy_error);
}

BOOST_AUTO_TEST_CASE(trajectories_begin_with_the_gradient_of_where_they_begin) {
  // 7: after a move was accepted, the gradient kept was the one before it.
  const Hmc kernel(test::asymmetric_mixture().energy(), 2, {.step_size = 0.4, .leapfrog_steps = 3});
  auto s = kernel.init(ad::normal({50, 2}, {.seed = 4}));
  for (std::uint32_t t = 0; t < 5; ++t) kernel.step(s, {{.seed = 5}, t});
  BOOST_TEST(s.counts.rate() > 0.3);
  const ad::Tensor kept = s.gradient;
  kernel.refresh(s);
  for (std::size_t k = 0; k < kept.size(); ++k) BOOST_TEST(kept[k] == s.gradient[k]);
}

BOOST_AUTO_TEST_CASE(step_sizes_do_not_adapt_while_recording) {
  // 8: they did. Here the step size a run ends with is that of all its draws.
  const Energy energy = [](ad::Var x) { return 0.5 * sum(square(x), 1); };
  const ad::Tensor x0 = ad::normal({50, 2}, {.seed = 6});
  const RunOptions options{.steps = 200, .warmup = 100, .target_accept = 0.9};
  const auto adapted = run(Mala(energy, 2, {.step_size = 0.01}), x0, options);
  BOOST_TEST(std::abs(adapted.counts.rate() - 0.9) < 0.06);
  Mala kernel(energy, 2, {.step_size = adapted.step_size});
  const auto fixed = run(kernel, x0, {.steps = 200});
  BOOST_TEST(fixed.step_size == adapted.step_size);
  BOOST_TEST(std::abs(fixed.counts.rate() - adapted.counts.rate()) < 0.01);
}

BOOST_AUTO_TEST_SUITE_END()
