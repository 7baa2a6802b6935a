#include "mcmc/warmup.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "mcmc/alternate.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/nuts.hpp"
#include "mcmc/proposal.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

using Sizes = std::vector<std::uint32_t>;

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

/// Independent normals of variances 1, 1/2, ... 1/d.
ad::Var stretched(ad::Var x) {
  ad::Tensor weights({x.shape()[1]});
  for (std::size_t j = 0; j < weights.size(); ++j) weights[j] = Real(0.5) * Real(j + 1);
  return sum(square(x) * x.tape->constant(weights), 1);
}

/// N(0, covariance) by its precision, (2, 2).
Energy gaussian(double xx, double xy, double yy) {
  return [=](ad::Var x) {
    const double det = xx * yy - xy * xy;
    const ad::Var a = ad::slice(x, 1, 0, 1), b = ad::slice(x, 1, 1, 2);
    return ad::reshape((yy / 2 * square(a) - xy * (a * b) + xx / 2 * square(b)) / det,
                       {x.shape()[0]});
  };
}

ad::Tensor start(std::size_t chains, std::size_t d = 2) {
  return ad::normal({chains, d}, {.seed = 60});
}

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing thrown";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(warming_up)

BOOST_AUTO_TEST_CASE(windows_are_those_of_stan) {
  const auto plan = [](std::uint32_t warmup) {
    const Windows w = windows({}, warmup);
    BOOST_TEST(w.first + w.last + std::accumulate(w.sizes.begin(), w.sizes.end(), 0u) == warmup);
    return w;
  };
  const Windows usual = plan(1000);
  BOOST_TEST(usual.first == 75u);
  BOOST_TEST(usual.sizes == (Sizes{25, 50, 100, 200, 500}), boost::test_tools::per_element());
  BOOST_TEST(usual.last == 50u);
  BOOST_TEST((plan(150).sizes == Sizes{25}));
  BOOST_TEST((plan(200).sizes == Sizes{25, 50}));
  BOOST_TEST((plan(210).sizes == Sizes{25, 60}));
  BOOST_TEST((plan(299).sizes == Sizes{25, 149}));
  BOOST_TEST((plan(300).sizes == Sizes{25, 50, 100}));
  BOOST_TEST((plan(600).sizes == Sizes{25, 50, 100, 300}));
  const Windows few = plan(100);
  BOOST_TEST(few.first == 15u);
  BOOST_TEST((few.sizes == Sizes{75}));
  BOOST_TEST(few.last == 10u);
  BOOST_TEST(plan(19).sizes.empty());
  BOOST_TEST((windows({.first = 10, .window = 20, .last = 5}, 155).sizes == Sizes{20, 40, 80}));
}

BOOST_AUTO_TEST_CASE(dual_averaging_by_hand) {
  DualAveraging averaging({.target = 0.8}, 0.5);
  const auto near = boost::test_tools::tolerance(1e-12);
  // Hoffman & Gelman (2014), equation 6 and what follows it.
  double error = (0.8 - 0.2) / 11, log_step = std::log(5.0) - error / 0.05;
  BOOST_TEST(averaging.update(0.2) == std::exp(log_step), near);
  BOOST_TEST(averaging.averaged() == std::exp(log_step), near);
  error = error * 11 / 12 + (0.8 - 0.9) / 12;
  const double second = std::log(5.0) - std::sqrt(2.0) * error / 0.05;
  BOOST_TEST(averaging.update(0.9) == std::exp(second), near);
  const double late = std::pow(2.0, -0.75);
  BOOST_TEST(averaging.averaged() == std::exp(late * second + (1 - late) * log_step), near);
}

BOOST_AUTO_TEST_CASE(a_step_size_is_found_by_doubling_and_halving) {
  const auto accept = [](double h, std::uint32_t) { return std::exp(-h); };  // 0.8 at 0.223
  BOOST_TEST(find_step_size(1, accept) == 0.125);
  BOOST_TEST(find_step_size(0.25, accept) == 0.125);
  BOOST_TEST(find_step_size(0.0625, accept) == 0.25);
  BOOST_TEST(find_step_size(3, [](double, std::uint32_t) { return 1.0; }) == 3.0);
}

BOOST_AUTO_TEST_CASE(moments_are_the_regularised_covariance) {
  // Ten steps of four chains, which are far apart.
  const std::size_t n = 40, d = 3, chains = 4;
  ad::Tensor x = ad::normal({n, d}, {.seed = 61});
  for (std::size_t i = 0; i < n; ++i) x(i, 2) += Real(100 * (i % chains) + 2 * x(i, 0));
  WindowMoments dense(Metric::Kind::dense, chains, d), diagonal(Metric::Kind::diagonal, chains, d);
  for (std::size_t i = 0; i < n; i += chains) {
    dense.add(x.view().slice(i, chains));
    diagonal.add(x.view().slice(i, chains));
  }
  std::vector<double> mean(chains * d), expected(d * d);
  for (std::size_t k = 0; k < n * d; ++k) mean[k % (chains * d)] += x[k] / 10.0;
  for (std::size_t a = 0; a < d; ++a) {
    for (std::size_t b = 0; b < d; ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double* own = &mean[i % chains * d];
        sum += (x(i, a) - own[a]) * (x(i, b) - own[b]);
      }
      expected[a * d + b] = 40.0 / 45 * sum / 36 + (a == b ? 1e-3 * 5 / 45 : 0);
    }
  }
  const auto near = boost::test_tools::tolerance(1e-10);
  for (std::size_t k = 0; k < d * d; ++k) {
    BOOST_TEST(dense.metric().inverse_mass()[k] == expected[k], near);
  }
  for (std::size_t j = 0; j < d; ++j) {
    BOOST_TEST(diagonal.metric().inverse_mass()[j] == expected[j * d + j], near);
  }
}

BOOST_AUTO_TEST_CASE(the_target_acceptance_is_reached) {
  for (const double target : {0.7, 0.8, 0.95}) {
    const auto rate = [&](const auto& kernel, Metric::Kind metric) {
      const WarmupOptions adapt{.target_accept = target, .metric = metric};
      const RunOptions options{.steps = 300, .warmup = 300, .block = 16, .adapt = adapt};
      return run(kernel, start(50, 10), options).counts.rate();
    };
    const double nuts = rate(Nuts(stretched, 10, {}), Metric::Kind::diagonal);
    BOOST_TEST(std::abs(nuts - target) < 0.04);
    // A single leapfrog step, since the acceptance of several falls off a cliff where they become
    // unstable; and a unit metric, for which all of the warm-up is averaged.
    const double hmc = rate(Hmc(stretched, 10, {.leapfrog_steps = 1}), Metric::Kind::unit);
    BOOST_TEST(std::abs(hmc - target) < 0.04);
    const double mala = rate(Mala(stretched, 10, {}), Metric::Kind::diagonal);
    BOOST_TEST(std::abs(mala - target) < 0.04);
  }
}

BOOST_AUTO_TEST_CASE(a_dense_metric_recovers_a_correlated_covariance) {
  const std::vector<double> covariance{4.0, 1.9, 1.9, 1.0};  // correlation 0.95
  const RunOptions options{.steps = 200,
                           .warmup = 600,
                           .block = 8,
                           .key = {.seed = 62},
                           .adapt = WarmupOptions{.metric = Metric::Kind::dense}};
  const Nuts kernel(gaussian(4, 1.9, 1), 2, {.step_size = 5});
  const auto dense = run(kernel, start(20), options);
  // 20 chains of some hundred draws each: relative errors of about sqrt(2 / 8000).
  BOOST_TEST((dense.metric.kind() == Metric::Kind::dense));
  for (std::size_t k = 0; k < 4; ++k) {
    BOOST_TEST(std::abs(dense.metric.inverse_mass()[k] / covariance[k] - 1) < 0.08);
  }
  RunOptions other = options;
  other.adapt->metric = Metric::Kind::diagonal;
  const auto diagonal = run(kernel, start(20), other);
  BOOST_TEST(std::abs(diagonal.metric.inverse_mass()[0] / 4 - 1) < 0.08);
  BOOST_TEST(std::abs(diagonal.metric.inverse_mass()[1] / 1 - 1) < 0.08);
  other.adapt->metric = Metric::Kind::unit;
  const auto unit = run(kernel, start(20), other);
  BOOST_TEST((unit.metric == Metric()));
  BOOST_TEST(2 * dense.counts.gradients < diagonal.counts.gradients);
  BOOST_TEST(diagonal.counts.gradients < unit.counts.gradients);
  // Frozen: a kernel made with the result makes the same moves.
  Nuts::Options frozen{.step_size = dense.step_size, .metric = dense.metric};
  const auto again = run(Nuts(gaussian(4, 1.9, 1), 2, frozen), dense.last, {.steps = 200});
  BOOST_TEST(std::abs(again.counts.rate() - dense.counts.rate()) < 0.02);
}

BOOST_AUTO_TEST_CASE(what_is_adapted_does_not_depend_on_the_number_of_threads) {
  const RunOptions options{.steps = 20,
                           .warmup = 100,
                           .block = 8,
                           .adapt = WarmupOptions{.metric = Metric::Kind::dense, .first = 20}};
  const auto on = [&](std::size_t threads) {
    return ad::with_threads(threads, [&] {
      return run(Nuts(gaussian(4, 1.9, 1), 2, {.step_size = 0.5}), start(37), options);
    });
  };
  const RunResult one = on(1), two = on(2), four = on(4);
  for (const RunResult* other : {&two, &four}) {
    BOOST_TEST(one.step_size == other->step_size);
    BOOST_TEST((one.metric == other->metric));
    BOOST_TEST(std::ranges::equal(one.draws.flat(), other->draws.flat()));
  }
}

BOOST_AUTO_TEST_CASE(an_alternation_adapts_its_local_kernel) {
  const Alternate kernel(
      Isir(gaussian(4, 1.9, 1), gaussian_proposal({0, 0}, {2, 1}), {.particles = 4}),
      Nuts(gaussian(4, 1.9, 1), 2, {.step_size = 0.01}), {.local_steps = 2});
  const auto result =
      run(kernel, start(20),
          {.steps = 200, .warmup = 200, .adapt = WarmupOptions{.metric = Metric::Kind::dense}});
  BOOST_TEST(std::abs(result.counts.rate() - 0.8) < 0.06);
  BOOST_TEST((result.metric.kind() == Metric::Kind::dense));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  const auto refused = [](const RunOptions& options) {
    return message([&] { run(Nuts(half_square, 2, {}), start(2), options); });
  };
  BOOST_TEST(refused({.adapt = WarmupOptions{}}) == "run: adapt without warm-up steps to adapt in");
  BOOST_TEST(refused({.warmup = 9, .target_accept = 0.5, .adapt = WarmupOptions{}}) ==
             "run: both adapt and target_accept; need one of them");
  BOOST_TEST(refused({.warmup = 9, .largest_step = 0.5, .adapt = WarmupOptions{}}) ==
             "run: largest_step with adapt; it caps target_accept's steps");
  BOOST_TEST(refused({.warmup = 9, .adapt = WarmupOptions{.target_accept = 1}}) ==
             "WarmupOptions: target_accept 1; need a number between 0 and 1");
  BOOST_TEST(refused({.warmup = 9, .adapt = WarmupOptions{.window = 1}}) ==
             "WarmupOptions: window 1; need at least 2 steps");
  const Isir isir(half_square, gaussian_proposal({0, 0}, {2, 1}), {});
  BOOST_TEST(message([&] { run(isir, start(2), {.warmup = 9, .adapt = WarmupOptions{}}); }) ==
             "run: adapt for a kernel that has no step size to adapt");
}

BOOST_AUTO_TEST_SUITE_END()
