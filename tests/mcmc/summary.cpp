#include "mcmc/summary.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autodiff/random.hpp"
#include "mcmc/diagnostics.hpp"

using namespace eqp;
using namespace eqp::mcmc;

BOOST_AUTO_TEST_CASE(summary_holds_every_diagnostic_of_its_coordinate) {
  const ad::Tensor draws = ad::normal({4, 300, 2}, {1, 0});
  const std::vector<Summary> all = summarise(draws);
  BOOST_TEST(all.size() == 2);
  BOOST_TEST(all[1].name == "x[1]");
  const ChainValues x = coordinate(draws, 1);
  BOOST_TEST(all[1].mean.value == mean_variance(x.values).mean);
  BOOST_TEST(all[1].mean.mcse == mcse_mean(x));
  BOOST_TEST(all[1].sd.mcse == mcse_sd(x));
  BOOST_TEST(all[1].q95.mcse == mcse_quantile(x, 0.95));
  BOOST_TEST(all[1].ess_tail == ess_tail(x));
  BOOST_TEST(all[1].r_hat == rhat(x));
  BOOST_TEST(std::abs(all[1].q95.value - 1.645) < 0.2);
  BOOST_TEST(summarise(draws, {"a", "b"})[0].name == "a");
}

BOOST_AUTO_TEST_CASE(summary_table_has_a_line_per_parameter_and_what_the_draws_cost) {
  const auto estimate = [](double value, double mcse) { return Estimate{value, mcse}; };
  const std::vector<Summary> rows{{"mu", estimate(1.23456, 0.021), estimate(2, 0.012),
                                   estimate(-1, 0.1), estimate(1, 0.02), estimate(1e12, 1e10),
                                   1234.4, 700.2, 1.0012}};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(table(rows) ==
             "     mean   mcse     sd   mcse     q5  mcse    q50   mcse        q95       mcse  "
             "ess_bulk  ess_tail  r_hat\n"
             "mu  1.235  0.021  2.000  0.012  -1.00  0.10  1.000  0.020  1.000e+12  1.000e+10  "
             "    1234       700  1.001\n");
  const std::string costs = table(rows, {.gradients = 7002, .seconds = 2});
  BOOST_TEST(costs.ends_with("smallest ESS 700, 100 per 1000 gradients, 350 per second\n"));
  BOOST_TEST(table(rows, {}).ends_with("smallest ESS 700\n"));
  std::vector<Summary> broken = rows;
  broken[0].ess_bulk = nan;
  BOOST_TEST(std::isnan(smallest_ess(broken)));
}

BOOST_AUTO_TEST_CASE(summary_of_broken_constant_or_few_draws_is_nan_or_refused) {
  ad::Tensor draws = ad::normal({2, 50, 2}, {2, 0});
  draws[0] = std::numeric_limits<Real>::infinity();
  for (std::size_t i = 0; i < 100; ++i) draws[2 * i + 1] = Real(0.5);
  const std::vector<Summary> all = summarise(draws);
  BOOST_TEST(all[0].not_finite == 1);
  BOOST_TEST(std::isnan(all[0].mean.value));
  BOOST_TEST(all[1].mean.value == 0.5);
  BOOST_TEST(all[1].sd.value == 0);
  BOOST_TEST(all[1].q5.value == 0.5);
  BOOST_TEST(std::isnan(all[1].mean.mcse));
  BOOST_TEST(std::isnan(all[1].r_hat));
  BOOST_TEST(table(all).find("nan") != std::string::npos);
  BOOST_TEST(std::isfinite(summarise(ad::normal({1, 50, 1}, {2, 1}))[0].r_hat));
  BOOST_CHECK_THROW(summarise(ad::Tensor({2, 3, 1})), std::invalid_argument);
  BOOST_CHECK_THROW(summarise(ad::Tensor({2, 50, 0})), std::invalid_argument);
  BOOST_CHECK_THROW(summarise(ad::Tensor({2, 50})), std::invalid_argument);
  BOOST_CHECK_THROW(summarise(draws, {"a"}), std::invalid_argument);
}
