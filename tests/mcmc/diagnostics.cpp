#include "mcmc/diagnostics.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "autodiff/random.hpp"
#include "mcmc/autocovariance.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// x_t = rho x_{t-1} + noise with variance 1, started in equilibrium.
ChainValues autoregressive(std::size_t chains, std::size_t draws, double rho, ad::Key key) {
  ChainValues x{chains, draws, {}};
  for (std::size_t c = 0; c < chains; ++c) {
    ad::Draws noise(key, static_cast<std::uint32_t>(c));
    double value = noise.normal();
    for (std::size_t t = 0; t < draws; ++t) {
      x.values.push_back(value);
      value = rho * value + std::sqrt(1 - rho * rho) * noise.normal();
    }
  }
  return x;
}

ChainValues independent(ad::Key key) { return autoregressive(4, 1000, 0, key); }

/// Integer arithmetic only, so that any program can make the same draws: correlated, chains apart
/// by 1/4.
ChainValues reference_draws(std::size_t chains, std::size_t draws) {
  ChainValues x{chains, draws, {}};
  for (std::uint32_t c = 0; c < chains; ++c) {
    std::uint32_t state = 17 * c + 3, value = 0;
    for (std::size_t t = 0; t < draws; ++t) {
      state = state * 1664525u + 1013904223u;
      value = value * 3 / 4 + (state >> 20);
      x.values.push_back(value / 1024.0 + 0.25 * c);
    }
  }
  return x;
}

void transform_chain(ChainValues& x, std::size_t c, auto f) {
  for (std::size_t t = 0; t < x.draws; ++t)
    x.values[c * x.draws + t] = f(x.values[c * x.draws + t]);
}

}  // namespace

// Computed by ArviZ 0.23.4: rhat (split, rank), ess (mean, bulk), mcse (mean).
BOOST_AUTO_TEST_CASE(diagnostics_agree_with_arviz) {
  const auto near = boost::test_tools::tolerance(1e-9);
  const ChainValues even = reference_draws(3, 40), odd = reference_draws(4, 101);
  BOOST_TEST(split_rhat(even) == 1.109343879497, near);
  BOOST_TEST(rhat(even) == 1.106351669722, near);
  BOOST_TEST(ess_mean(even) == 18.7230312229, near);
  BOOST_TEST(ess_bulk(even) == 20.1234252053, near);
  BOOST_TEST(mcse_mean(even) == 0.560659247104, near);
  BOOST_TEST(split_rhat(odd) == 1.022612268137, near);
  BOOST_TEST(rhat(odd) == 1.026474285080, near);
  BOOST_TEST(ess_mean(odd) == 86.5384364648, near);
  BOOST_TEST(ess_bulk(odd) == 88.3596486611, near);
  BOOST_TEST(mcse_mean(odd) == 0.216238204206, near);
}

// Halves {1, 2} and {3, 5}: W = 1.25, B/n = 3.125, so R-hat^2 = (1.25 / 2 + 3.125) / 1.25 = 3.
BOOST_AUTO_TEST_CASE(split_rhat_of_four_draws_by_hand) {
  BOOST_TEST(split_rhat({1, 4, {1, 2, 3, 5}}) == std::sqrt(3.0),
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(split_rhat({1, 5, {1, 2, 99, 3, 5}}) == std::sqrt(3.0),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(rhat_of_independent_draws_is_one) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    BOOST_TEST(rhat(independent({seed, 0})) < 1.01);
    BOOST_TEST(rhat(independent({seed, 0})) > 0.999);
    BOOST_TEST(std::abs(split_rhat(independent({seed, 0})) - 1) < 0.01);
  }
}

// One of four chains shifted by 1: the means of the eight halves have variance 1.5 / 7.
BOOST_AUTO_TEST_CASE(rhat_sees_a_shifted_chain) {
  ChainValues x = autoregressive(4, 20'000, 0, {1, 0});
  transform_chain(x, 2, [](double v) { return v + 1; });
  BOOST_TEST(std::abs(split_rhat(x) - std::sqrt(1 + 1.5 / 7)) < 0.01);
  BOOST_TEST(rhat(x) > 1.08);
}

BOOST_AUTO_TEST_CASE(rhat_sees_a_stuck_chain_a_wide_chain_and_a_trend) {
  ChainValues stuck = independent({2, 0}), wide = independent({2, 1}), trend = independent({2, 2});
  transform_chain(stuck, 1, [](double) { return 0.1; });
  BOOST_TEST(rhat(stuck) > 1.2);
  transform_chain(wide, 1, [](double v) { return 4 * v; });
  BOOST_TEST(rhat(wide) > 1.1);
  BOOST_TEST(split_rhat(wide) < 1.05);  // the classical one looks at means only
  for (std::size_t i = 0; i < trend.values.size(); ++i)
    trend.values[i] += 2.0 * double(i % 1000) / 1000;
  BOOST_TEST(rhat(trend) > 1.1);
}

BOOST_AUTO_TEST_CASE(ranks_make_rhat_and_ess_work_without_moments) {
  ChainValues x = independent({3, 0}), shifted = x;
  for (double& v : x.values) v = std::pow(v, 9) * 1e20;
  BOOST_TEST(rhat(x) < 1.01);
  BOOST_TEST(ess_bulk(x) == ess_bulk(independent({3, 0})));
}

// For AR(1) the draws are worth S (1 - rho) / (1 + rho), and the mean has variance (1 + rho) / (1 -
// rho) / S.
BOOST_AUTO_TEST_CASE(ess_and_mcse_of_an_autoregression_are_the_closed_forms) {
  for (const double rho : {-0.4, 0.0, 0.6, 0.9}) {
    const double size = 4.0 * 4000, exact = size * (1 - rho) / (1 + rho);
    const std::size_t repetitions = 20;
    double mean = 0, squares = 0, bulk = 0, mcse = 0;
    for (std::uint32_t r = 0; r < repetitions; ++r) {
      const ChainValues x = autoregressive(4, 4000, rho, {r, 5});
      const double ratio = ess_mean(x) / exact;
      mean += ratio / repetitions;
      squares += ratio * ratio / repetitions;
      bulk += ess_bulk(x) / exact / repetitions;
      mcse += mcse_mean(x) / repetitions;
    }
    // 4 standard errors, and 3 % for the bias of the truncated sequence.
    const double tolerance = 4 * std::sqrt((squares - mean * mean) / repetitions) + 0.03;
    BOOST_TEST(tolerance < 0.15);
    BOOST_TEST(std::abs(mean - 1) < tolerance);
    BOOST_TEST(std::abs(bulk - 1) < tolerance);
    BOOST_TEST(std::abs(mcse * std::sqrt(exact) - 1) < tolerance);
  }
}

BOOST_AUTO_TEST_CASE(ess_of_chains_in_different_modes_counts_the_modes_and_not_the_draws) {
  ChainValues x = independent({4, 0});
  transform_chain(x, 0, [](double v) { return v + 20; });
  BOOST_TEST(ess_mean(x) < 10);
}

BOOST_AUTO_TEST_CASE(diagnostics_of_constant_or_broken_chains_are_nan_or_infinite) {
  const ChainValues constant{2, 100, std::vector<double>(200, 0.1)};
  ChainValues apart = constant;
  transform_chain(apart, 1, [](double) { return 0.3; });
  BOOST_TEST(split_rhat(apart) == kInfinity);
  BOOST_TEST(rhat(apart) == kInfinity);
  for (const double bad : {std::nan(""), kInfinity}) {
    ChainValues broken = independent({5, 0});
    broken.values[1234] = bad;
    for (const ChainValues& x : {constant, broken}) {
      BOOST_TEST(std::isnan(split_rhat(x)));
      BOOST_TEST(std::isnan(rhat(x)));
      BOOST_TEST(std::isnan(ess_mean(x)));
      BOOST_TEST(std::isnan(ess_bulk(x)));
      BOOST_TEST(std::isnan(ess_tail(x)));
      BOOST_TEST(std::isnan(mcse_mean(x)));
      BOOST_TEST(std::isnan(mcse_sd(x)));
      BOOST_TEST(std::isnan(mcse_quantile(x, 0.3)));
    }
  }
  BOOST_CHECK_THROW(rhat({1, 3, {1, 2, 3}}), std::invalid_argument);
  BOOST_CHECK_THROW(ess_mean({0, 10, {}}), std::invalid_argument);
  BOOST_CHECK_THROW(mcse_mean({0, 10, {}}), std::invalid_argument);
  BOOST_CHECK_THROW(mcse_mean({2, 0, {}}), std::invalid_argument);
  BOOST_CHECK_THROW(mcse_sd({0, 10, {}}), std::invalid_argument);
  BOOST_CHECK_THROW(mcse_quantile({1, 3, {1, 2, 3}}, 0.5), std::invalid_argument);
  BOOST_CHECK_THROW(ess_tail({1, 0, {}}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(max_rhat_takes_the_worst_coordinate_and_does_not_lose_nan) {
  ad::Tensor draws = ad::normal({4, 500, 3}, {6, 0});
  BOOST_TEST(coordinate(draws, 2).chain(1)[7] == double(draws[(1 * 500 + 7) * 3 + 2]));
  BOOST_TEST(max_rhat(draws) < 1.02);
  for (std::size_t t = 0; t < 500; ++t) draws[t * 3 + 1] += 3;
  BOOST_TEST(max_rhat(draws) == rhat(coordinate(draws, 1)));
  BOOST_TEST(max_rhat(draws) > 1.3);
  draws[0] = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST(std::isnan(max_rhat(draws)));
  BOOST_CHECK_THROW(coordinate(draws, 3), std::invalid_argument);
  BOOST_CHECK_THROW(max_rhat(ad::Tensor({4, 500, 0})), std::invalid_argument);
  BOOST_CHECK_THROW(coordinate(ad::Tensor({5}), 0), std::invalid_argument);
}

// 1/n sum over pairs, with each chain's own mean: by the definition, for a length that is no power
// of 2 and an odd number of chains.
BOOST_AUTO_TEST_CASE(autocovariance_is_the_sum_over_pairs) {
  const ChainValues x = autoregressive(3, 37, 0.7, {7, 0});
  const std::vector<double> fast = autocovariance(x);
  BOOST_TEST(fast.size() == 37);
  for (std::size_t lag = 0; lag < 37; ++lag) {
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double mean = mean_variance(x.chain(c)).mean;
      for (std::size_t t = 0; t + lag < 37; ++t) {
        sum += (x.chain(c)[t] - mean) * (x.chain(c)[t + lag] - mean) / (3 * 37);
      }
    }
    BOOST_TEST(std::abs(fast[lag] - sum) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(autocorrelation_time_is_refused_for_short_chains) {
  // (1 + rho) / (1 - rho) = 19 draws.
  const ChainValues x = autoregressive(4, 20'000, 0.9, {8, 0});
  const AutocorrelationTime time = autocorrelation_time(x);
  BOOST_REQUIRE(time.draws.has_value());
  BOOST_TEST(std::abs(*time.draws - 19) < 2);
  BOOST_TEST(time.reason == "");
  const AutocorrelationTime refused = autocorrelation_time(part(x, 0, 500));
  BOOST_TEST(!refused.draws.has_value());
  BOOST_TEST(refused.reason.find("chains of 500 draws are only") != std::string::npos);
  BOOST_TEST(autocorrelation_time(part(x, 0, 500), 5).draws.has_value());
  const ChainValues constant{2, 100, std::vector<double>(200, 0.1)};
  BOOST_TEST(autocorrelation_time(constant).reason ==
             "autocorrelation time: draws that are all equal have none");
  ChainValues broken = constant;
  broken.values[3] = std::nan("");
  BOOST_TEST(autocorrelation_time(broken).reason ==
             "autocorrelation time: draws that are not all finite have none");
}

// The standard deviation and the median of independent normals have variances 1 / 2S and pi / 2S.
BOOST_AUTO_TEST_CASE(mcse_of_sd_and_quantiles_are_the_closed_forms_for_normals) {
  const double size = 4.0 * 5000;
  double sd = 0, median = 0;
  for (std::uint32_t r = 0; r < 10; ++r) {
    const ChainValues x = autoregressive(4, 5000, 0, {r, 9});
    sd += mcse_sd(x) / 10;
    median += mcse_quantile(x, 0.5) / 10;
  }
  BOOST_TEST(std::abs(sd * std::sqrt(2 * size) - 1) < 0.05);
  BOOST_TEST(std::abs(median * std::sqrt(2 * size / std::numbers::pi) - 1) < 0.1);
  const ChainValues x = independent({10, 0});
  for (const double p : {0.0, 1.0, -0.1, std::nan("")}) {
    BOOST_CHECK_THROW(ess_quantile(x, p), std::invalid_argument);
    BOOST_CHECK_THROW(mcse_quantile(x, p), std::invalid_argument);
  }
}
