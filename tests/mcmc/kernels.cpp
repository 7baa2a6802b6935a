#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>

#include "mcmc/proposal.hpp"
#include "tests/count_allocations.hpp"
#include "tests/mcmc/laws.hpp"
#include "tests/mcmc/rows.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;

namespace {

/// What a kernel is given and what it should sample.
struct Case {
  std::string name;
  Problem problem;
  Law law;
};

std::vector<Case> cases(const Row& row) {
  const Law gaussian = correlated_gaussian(), mixture = asymmetric_mixture();
  std::vector<Case> all{{row.name + " on a correlated gaussian",
                         {gaussian.energy(), gaussian_proposal({1.3, -1.8}, {1.7, 1.4})},
                         correlated_gaussian(row.ula_step)}};
  if (!row.unadjusted) {  // the biased law of a mixture has no closed form
    all.push_back({row.name + " on an asymmetric mixture",
                   {mixture.energy(), gaussian_proposal({0.2, 0.3}, {1.6, 1.4})},
                   mixture});
  }
  return all;
}

/// Deviations from the law's means, squared ones, their product, and the weight of a mode: each has
/// mean 0 under the law.
constexpr std::size_t kStatistics = 6;
std::array<double, kStatistics> statistics(const Law& law, std::span<const Real> x) {
  const auto [mx, my] = law.mean();
  double xx = 0, yy = 0, xy = 0;
  for (const Component& c : law.components) {
    const double a = c.mean[0] - mx, b = c.mean[1] - my;
    xx += c.weight * (c.xx + a * a);
    yy += c.weight * (c.yy + b * b);
    xy += c.weight * (c.xy + a * b);
  }
  const double cut = 0.1;  // between the mixture's modes
  const double a = x[0] - mx, b = x[1] - my, right = x[0] > cut ? 1.0 : 0.0;
  return {a, b, a * a - xx, b * b - yy, a * b - xy, right - (1 - law.cdf(0, cut))};
}

/// Mean of independent values and its standard error.
struct Estimate {
  double mean, error;
};
Estimate estimate(std::span<const double> values) {
  const double n = double(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / (n - 1) / n)};
}

ad::Tensor spread(std::size_t chains) {
  ad::Tensor x0 = ad::normal({chains, 2}, {.seed = 90});
  for (Real& v : x0.flat()) v *= 2;
  return x0;
}

bool equal_bits(ad::ConstView a, ad::ConstView b) { return std::ranges::equal(a.flat(), b.flat()); }

/// A mixture and a Gaussian proposal of which one parameter changes the scale.
struct Scaled {
  ad::Params params;
  ad::Param scale = params.add("scale", {1}, [](std::span<Real> v) { v[0] = 1; });

  void set(double value) { params.mutate()[0] = Real(value); }

  Problem problem() const {
    const auto sd = [s = scale](ad::Var x) { return 1 + s.on(*x.tape); };
    const auto log_q = [=](ad::Var z) { return -0.5 * sum(square(z), 1) - 2 * sum(log(sd(z))); };
    return {
        [s = scale, e = asymmetric_mixture().energy()](ad::Var x) { return e(x * s.on(*x.tape)); },
        {.dim = 2,
         .sample = [=](ad::Var z) { return std::pair(z * sd(z), log_q(z)); },
         .log_prob = [=](ad::Var x) { return log_q(x / sd(x)); }}};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kernels)

BOOST_AUTO_TEST_CASE(every_kernel_samples_its_law) {
  // 257 chains are independent: their means give the Monte Carlo standard error.
  for (const Row& row : rows()) {
    for (const Case& c : cases(row)) {
      BOOST_TEST_CONTEXT(c.name) {
        const auto result =
            row.run(c.problem, spread(257),
                    {.steps = 600, .warmup = 200, .thin = 3, .block = 50, .key = {.seed = 91}});
        const std::size_t chains = result.draws.shape()[0], kept = result.draws.shape()[1];
        std::vector<std::vector<double>> means(kStatistics, std::vector<double>(chains));
        for (std::size_t i = 0; i < chains; ++i) {
          for (std::size_t t = 0; t < kept; ++t) {
            const auto s = statistics(c.law, result.draws.flat().subspan((i * kept + t) * 2, 2));
            for (std::size_t k = 0; k < kStatistics; ++k) means[k][i] += s[k] / double(kept);
          }
        }
        for (std::size_t k = 0; k < kStatistics; ++k) {
          const auto [mean, error] = estimate(means[k]);
          BOOST_TEST(error < 0.04, "statistic " << k << ": standard error " << error);
          BOOST_TEST(std::abs(mean) < 4 * error,
                     "statistic " << k << ": off by " << mean / error << " standard errors");
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_kernel_leaves_exact_draws_exact) {
  // Chains that start in the law stay in it. The change of a statistic over a few steps has a
  // smaller variance than the statistic; the marginals are compared by Kolmogorov-Smirnov.
  const std::size_t chains = 40001;
  const double n = double(chains);
  for (const Row& row : rows()) {
    if (row.replicas) continue;
    for (const Case& c : cases(row)) {
      BOOST_TEST_CONTEXT(c.name) {
        const ad::Tensor x0 = c.law.sample(chains, {.seed = 92});
        const auto result = row.run(c.problem, x0, {.steps = 4, .key = {.seed = 93}});
        std::vector<double> change(chains), coordinate(chains);
        for (std::size_t k = 0; k < kStatistics; ++k) {
          for (std::size_t i = 0; i < chains; ++i) {
            change[i] = statistics(c.law, result.last.row(i))[k] - statistics(c.law, x0.row(i))[k];
          }
          const auto [mean, error] = estimate(change);
          BOOST_TEST(error > 0);
          BOOST_TEST(std::abs(mean) < 4 * error,
                     "statistic " << k << ": moved by " << mean / error << " standard errors");
        }
        for (std::size_t j = 0; j < 2; ++j) {
          for (std::size_t i = 0; i < chains; ++i) coordinate[i] = result.last(i, j);
          std::ranges::sort(coordinate);
          double distance = 0;
          for (std::size_t i = 0; i < chains; ++i) {
            const double p = c.law.cdf(j, coordinate[i]);
            distance = std::max({distance, double(i + 1) / n - p, p - double(i) / n});
          }
          // Kolmogorov's law is beyond 2.2 with probability 1e-4.
          BOOST_TEST(std::sqrt(n) * distance < 2.2,
                     "coordinate " << j << ": sqrt(n) D = " << std::sqrt(n) * distance);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_step_allocates_nothing) {
  const auto allocate = [] { BOOST_TEST(!std::vector<ad::Tensor>(1).empty()); };
  BOOST_TEST(eqp::test::count_allocations(allocate) >= 2u);  // the counter counts
  for (const Row& row : rows()) {
    const Case c = cases(row).back();
    const auto step = row.start(c.problem, spread(33));
    for (std::uint32_t t = 0; t < 3; ++t) step({{.seed = 94}, t});
    const std::size_t count = eqp::test::count_allocations([&] {
      for (std::uint32_t t = 3; t < 13; ++t) step({{.seed = 94}, t});
    });
    BOOST_TEST(count == 0u, row.name << " allocated " << count << " times");
  }
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_the_number_of_threads) {
  const RunOptions options{.steps = 20, .warmup = 5, .block = 8, .key = {.seed = 95}};
  for (const Row& row : rows()) {
    const Case c = cases(row).back();
    const auto on = [&](std::size_t threads) {
      return ad::with_threads(threads, [&] { return row.run(c.problem, spread(37), options); });
    };
    const RunResult one = on(1), two = on(2), four = on(4);
    BOOST_TEST(equal_bits(one.draws, two.draws), row.name);
    BOOST_TEST(equal_bits(one.draws, four.draws), row.name);
    BOOST_TEST(one.counts.accepted == two.counts.accepted, row.name);
    BOOST_TEST(one.counts.accepted == four.counts.accepted, row.name);
  }
}

BOOST_AUTO_TEST_CASE(a_chain_does_not_depend_on_the_others) {
  // Nor on their number or the block size, but for rounding.
  for (const Row& row : rows()) {
    const Case c = cases(row).back();
    const ad::Tensor x0 = spread(70);
    RunOptions options{.steps = 10, .key = {.seed = 96}};
    const ad::Tensor all = row.run(c.problem, x0, options).draws;
    options.block = 9;
    const ad::Tensor few = row.run(c.problem, x0.view().slice(0, 23), options).draws;
    double largest = 0;
    for (std::size_t k = 0; k < few.size(); ++k) {
      largest = std::max(largest, std::abs(double(few[k]) - all[k]));
    }
    BOOST_TEST(largest < (sizeof(Real) == 4 ? 1e-3 : 1e-10), row.name);
  }
}

BOOST_AUTO_TEST_CASE(a_refreshed_state_equals_a_new_one) {
  // After both the positions and a parameter of the energy and of the proposal were written.
  const ad::Tensor x0 = spread(19), x1 = ad::normal({19, 2}, {.seed = 97});
  const ad::BlockRng rng{{.seed = 98}};
  for (const Row& row : rows()) {
    if (row.replicas) continue;
    Scaled scaled;
    const Problem problem = scaled.problem();
    const ad::Tensor refreshed = row.refreshed(
        problem, x0, [&] { scaled.set(1.7); }, x1, rng);
    BOOST_TEST(equal_bits(refreshed, row.start(problem, x1)(rng)), row.name);
    BOOST_TEST(!equal_bits(refreshed, x1), row.name);
  }
}

BOOST_AUTO_TEST_CASE(a_bad_start_is_refused) {
  // log of a negative number in row 6.
  for (const Row& row : rows()) {
    const Problem problem{[](ad::Var x) { return -sum(log(x), 1); },
                          gaussian_proposal({1, 1}, {1, 1})};
    ad::Tensor x0({9, 2});
    std::ranges::fill(x0.flat(), Real(1));
    x0(6, 1) = -1;
    BOOST_CHECK_EXCEPTION(row.run(problem, x0, {.block = 4}), std::invalid_argument,
                          [](const std::invalid_argument& e) {
                            BOOST_TEST_MESSAGE(e.what());
                            const std::string text = e.what();
                            return text.find("chain 6 starts at energy") != text.npos &&
                                   text.find("nan") != text.npos;
                          });
    for (const ad::Shape& shape : {ad::Shape{9, 3}, ad::Shape{0, 2}, ad::Shape{2}}) {
      BOOST_CHECK_THROW(row.run(problem, ad::Tensor(shape), {}), std::invalid_argument);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
