#include "mcmc/tempering.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "flows/base.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/random_walk.hpp"
#include "tests/mcmc/laws.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

/// Draws the tempered law of half_square anew: what a perfect local kernel would do.
class Exact {
 public:
  struct State {
    ad::Tensor position;
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
  };
  explicit Exact(double beta) : beta_(beta) {}
  std::size_t block(std::size_t) const { return 64; }
  State init(ad::ConstView x0, std::size_t) const { return {ad::Tensor(x0)}; }
  void refresh(State&) const {}
  void step(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.position);
    for (Real& v : s.position.flat()) v /= Real(std::sqrt(beta_));
  }

 private:
  double beta_;
};

/// Mala whose step size suits a temperature.
auto mala(double step_size) {
  return [=](const Energy& tempered, double beta) {
    return Mala(tempered, 2, {.step_size = step_size / beta});
  };
}
using Tempering = ParallelTempering<Mala>;

/// Two narrow modes, 8 apart: 0.3 N((-4, 0), 0.2) and 0.7 N((4, 1), 0.5).
test::Law far_apart() { return {{{0.3, {-4, 0}, 0.2, 0, 0.2}, {0.7, {4, 1}, 0.5, 0.1, 0.5}}}; }
/// The share of draws (chains, n, 2) on the right, and its standard error.
struct Share {
  double mean = 0, error = 0;
};
Share right(ad::ConstView draws) {
  const std::size_t chains = draws.shape[0], n = draws.shape[1];
  std::vector<double> share(chains);
  Share all;
  for (std::size_t i = 0; i < chains; ++i) {
    for (std::size_t t = 0; t < n; ++t) share[i] += (draws.row(i)[2 * t] > 0) / double(n);
    all.mean += share[i] / double(chains);
  }
  for (const double v : share) all.error += (v - all.mean) * (v - all.mean);
  all.error = std::sqrt(all.error / double(chains * (chains - 1)));
  return all;
}

/// Draws (n, 1) of exp(-beta u(x)) on [-12, 12], by inverting sums on a grid.
ad::Tensor tempered_draws(const std::function<double(double)>& u, double beta, std::size_t n,
                          ad::Key key) {
  constexpr std::size_t kCells = 24000;
  std::vector<double> below(kCells + 1);
  const auto at = [](double cell) { return -12 + 24 * cell / double(kCells); };
  for (std::size_t c = 0; c < kCells; ++c) {
    below[c + 1] = below[c] + std::exp(-beta * u(at(double(c) + 0.5)));
  }
  ad::Tensor x({n, 1});
  for (std::size_t i = 0; i < n; ++i) {
    const double wanted = ad::Draws(key, std::uint32_t(i)).uniform() * below[kCells];
    const auto c = std::size_t(std::ranges::upper_bound(below, wanted) - below.begin()) - 1;
    x[i] = Real(at(double(c) + (wanted - below[c]) / (below[c + 1] - below[c])));
  }
  return x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tempering)

BOOST_AUTO_TEST_CASE(every_temperature_keeps_its_law_from_an_exact_start) {
  // An asymmetric double well, its replicas exact draws at their temperatures. A swap with the
  // wrong sign, or one that is never refused, moves the means.
  const auto u = [](double x) { return 0.25 * (x * x - 4) * (x * x - 4) - 0.6 * x; };
  const Energy energy = [](ad::Var x) { return sum(0.25 * square(square(x) - 4.0) - 0.6 * x, 1); };
  const ParallelTempering<RandomWalk> kernel(
      energy, 1,
      [](const Energy& tempered, double) { return RandomWalk(tempered, 1, {.step_size = 1}); },
      {.betas = {1, 0.4, 0.15, 0.02}, .local_steps = 2});
  const std::size_t n = 40000;
  auto s = kernel.init(ad::Tensor({n, 1}));
  std::vector<ad::Tensor> start;
  for (std::size_t k = 0; k < 4; ++k) {
    start.push_back(tempered_draws(u, kernel.betas()[k], n, {.seed = k}));
    std::ranges::copy(start[k].flat(), s.local[k].x().data);
  }
  kernel.refresh(s);
  for (std::uint32_t t = 0; t < 4; ++t) kernel.step(s, {{.seed = 9}, t});
  for (std::size_t k = 0; k < 4; ++k) {
    double largest = 0;
    for (const int power : {1, 2, 3}) {
      double mean = 0, squares = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double change =
            std::pow(double(s.local[k].x()[i]), power) - std::pow(double(start[k][i]), power);
        mean += change / double(n);
        squares += change * change / double(n);
      }
      largest = std::max(largest, std::abs(mean) / std::sqrt(squares / double(n)));
    }
    BOOST_TEST(largest < 4, "beta " << kernel.betas()[k] << ": moved by " << largest << " errors");
  }
  for (const double rate : s.swaps.rates()) {
    BOOST_TEST(rate > 0.2);
    BOOST_TEST(rate < 0.9);
  }
}

BOOST_AUTO_TEST_CASE(swaps_and_round_trips_of_independent_draws_are_as_computed) {
  // In the plane V is exponential, and a pair swaps with probability 2 P(V_hot < V_cold) = 2 b' /
  // (b + b'). Round trips are then those of Syed et al. (2022), theorem 1.
  const std::vector<double> betas{1, 0.5, 0.3, 0.1};
  const ParallelTempering<Exact> kernel(half_square, 2,
                                        [](const Energy&, double beta) { return Exact(beta); },
                                        {.betas = betas, .adapt_ladder = false});
  const auto result = run(kernel, ad::Tensor({200, 2}), {.steps = 1000, .warmup = 50});
  double inefficiency = 0, barrier = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const double rate = 2 * betas[k + 1] / (betas[k] + betas[k + 1]);
    BOOST_TEST(std::abs(result.ladder.swap_rates[k] - rate) < 0.004);
    inefficiency += (1 - rate) / rate;
    barrier += 1 - rate;
  }
  BOOST_TEST(result.ladder.ideal_round_trip_rate == 1 / (1 + inefficiency),
             boost::test_tools::tolerance(0.01));
  BOOST_TEST(result.ladder.round_trip_rate == result.ladder.ideal_round_trip_rate,
             boost::test_tools::tolerance(0.02));
  BOOST_TEST(result.ladder.barrier == barrier, boost::test_tools::tolerance(0.01));
  BOOST_TEST(result.ladder.round_trips == std::uint64_t(result.ladder.round_trip_rate * 2e5 + 0.5));
}

BOOST_AUTO_TEST_CASE(the_ladder_adapts_until_neighbours_swap_equally_often) {
  // For a Gaussian that is the geometric ladder.
  const std::vector<double> uneven{1, 0.8, 0.6, 0.4, 0.2, 0.02};
  const Tempering kernel(half_square, 2, mala(0.5), {.betas = uneven});
  const auto result = run(kernel, ad::normal({200, 2}, {.seed = 1}),
                          {.steps = 200, .warmup = 700, .target_accept = 0.6});
  const std::vector<double> even = geometric_ladder(0.02, 6);
  for (std::size_t k = 0; k < 6; ++k) {
    BOOST_TEST(result.ladder.betas[k] == even[k], boost::test_tools::tolerance(0.15));
    BOOST_TEST(std::abs(result.ladder.acceptance[k] - 0.6) < 0.05);
  }
  const auto [low, high] = std::ranges::minmax(result.ladder.swap_rates);
  BOOST_TEST(high - low < 0.05);
  // Step sizes of a Gaussian go like 1 / beta.
  for (std::size_t k = 0; k < 6; ++k) {
    BOOST_TEST(result.ladder.step_sizes[k] * even[k] == result.ladder.step_sizes[0],
               boost::test_tools::tolerance(0.3));
  }
  BOOST_TEST(kernel.betas()[1] == double(Real(0.8)));  // run adapts a copy
  // Frozen: the recorded phase alone gives the same.
  const auto fixed =
      run(Tempering(half_square, 2, mala(0.5), {.betas = uneven, .adapt_ladder = false}),
          ad::normal({20, 2}, {.seed = 1}), {.steps = 20, .warmup = 100});
  BOOST_TEST(fixed.ladder.betas[1] == double(Real(0.8)));
}

BOOST_AUTO_TEST_CASE(weights_of_modes_that_local_moves_never_leave_come_out_right) {
  const test::Law law = far_apart();
  const Tempering kernel(law.energy(), 2, mala(0.1), {.betas = geometric_ladder(0.02, 6)});
  ad::Tensor x0({100, 2});
  for (std::size_t i = 0; i < 100; ++i) x0(i, 0) = -4;  // all in the lighter mode
  const RunOptions options{
      .steps = 1500, .warmup = 500, .thin = 5, .key = {.seed = 2}, .target_accept = 0.6};
  const auto result = run(kernel, x0, options);
  const auto [mean, error] = right(result.draws);
  BOOST_TEST_MESSAGE("share on the right " << mean << " +- " << error << ", round trips a step "
                                           << result.ladder.round_trip_rate << " of "
                                           << result.ladder.ideal_round_trip_rate);
  BOOST_TEST(error < 0.02);
  BOOST_TEST(std::abs(mean - 0.7) < 4 * error);
  BOOST_TEST(right(run(Mala(law.energy(), 2, {.step_size = 0.1}), x0, options).draws).mean == 0.0);
}

BOOST_AUTO_TEST_CASE(the_path_may_lead_to_a_base_that_is_drawn_from) {
  const test::Law law = far_apart();
  const Tempering kernel(
      law.energy(), 2, mala(0.1),
      {.betas = {1, 0.5, 0.2, 0.07, 0.02, 0}, .base = gaussian_proposal({1, 0}, {4, 2})});
  ad::Tensor x0({100, 2});
  for (std::size_t i = 0; i < 100; ++i) x0(i, 0) = -4;
  const auto result =
      run(kernel, x0,
          {.steps = 1000, .warmup = 500, .thin = 5, .key = {.seed = 3}, .target_accept = 0.6});
  BOOST_TEST(result.ladder.betas.back() == 0.0);
  const auto [mean, error] = right(result.draws);
  BOOST_TEST_MESSAGE("share on the right " << mean << " +- " << error << ", round trips a step "
                                           << result.ladder.round_trip_rate);
  BOOST_TEST(error < 0.02);
  BOOST_TEST(std::abs(mean - 0.7) < 4 * error);
  // A target that is the base swaps always.
  const Energy base = [](ad::Var x) { return 3 - gaussian_proposal({1, 0}, {4, 2}).log_prob(x); };
  const auto same =
      run(Tempering(base, 2, mala(1),
                    {.betas = {1, 0.5, 0}, .base = gaussian_proposal({1, 0}, {4, 2})}),
          x0, {.steps = 10});
  for (const double rate : same.ladder.swap_rates) BOOST_TEST(rate > 0.999);
}

BOOST_AUTO_TEST_CASE(counts_are_of_the_coldest_and_gradients_of_all) {
  const Tempering kernel(half_square, 2, mala(0.5), {.betas = {1, 0.5, 0.2}, .local_steps = 4});
  const auto result = run(kernel, ad::normal({30, 2}, {.seed = 1}), {.steps = 10, .block = 8});
  BOOST_TEST(result.counts.proposed == 10.0 * 30 * 8);
  BOOST_TEST(result.counts.gradients >= 3u * 10 * 30 * 8);
  BOOST_TEST(result.counts.gradients <= 3u * 10 * 30 * 10);  // and refreshes after swaps
  BOOST_TEST(result.counts.rate() == result.ladder.acceptance[0]);
}

BOOST_AUTO_TEST_CASE(copies_are_independent) {
  Tempering kernel(half_square, 2, mala(0.5), {.betas = {1, 0.5, 0.2}});
  const RunOptions options{.steps = 5, .warmup = 40, .target_accept = 0.6};
  const ad::Tensor x0 = ad::normal({30, 2}, {.seed = 1});
  const auto first = run(kernel, x0, options), second = run(kernel, x0, options);
  BOOST_TEST(std::ranges::equal(first.draws.flat(), second.draws.flat()));
  BOOST_TEST(kernel.step_sizes()[2] == 2.5);
}

BOOST_AUTO_TEST_CASE(an_error_tells_the_temperature) {
  const Energy wall = [](ad::Var x) { return sum(square(x) - log(2.0 - abs(x)), 1); };
  const Tempering kernel(wall, 2, mala(0.5), {.betas = {1, 0.5, 0.25}});
  Chains chains(kernel, ad::Tensor({3, 2}));
  ad::Tensor x({3, 2});
  x(1, 0) = 5;
  BOOST_CHECK_EXCEPTION(chains.set(kernel, x), ad::NonFinite, [](const ad::NonFinite& e) {
    return std::string(e.what()).starts_with("chain 1: ParallelTempering: beta 1: Mala: ");
  });
}

BOOST_AUTO_TEST_SUITE_END()
