#include "experiments/common/findings.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using namespace eqp;

BOOST_AUTO_TEST_CASE(the_late_weight_is_of_the_last_20_of_75_epochs) {
  std::vector<double> curve(75, 0.9);
  std::fill(curve.end() - 20, curve.end(), 0.2);
  curve.back() = 0.6;
  const LateWeight late = late_weight(curve);
  BOOST_TEST(late.epochs == 20u);
  BOOST_TEST(late.mean == 0.22, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(late.low == 0.2);
  BOOST_TEST(late.high == 0.6);
  BOOST_TEST(late_weight(std::vector<double>{0.3}).mean == 0.3);
}

BOOST_AUTO_TEST_CASE(a_weight_is_judged_by_its_distance_and_its_range) {
  const auto judged = [](double mean, double range = 0) {
    return judge_weight("pcd", "the mode", 0.5, {mean, mean - range / 2, mean + range / 2, 20});
  };
  BOOST_TEST((judged(0.51).level == Level::good));
  BOOST_TEST((judged(0.53).level == Level::warn));
  BOOST_TEST((judged(0.6).level == Level::bad));
  BOOST_TEST((judged(0.5, 0.2).level == Level::bad));
  BOOST_TEST(judged(0.36).text.starts_with(
      "pcd lost 28 % of the mode: 0.360 over the last 20 epochs, exact 0.500."));
  BOOST_TEST(judged(0.6).text.starts_with("pcd gave the mode 20 % too much: 0.600 over"));
  BOOST_TEST(judged(0.5, 0.2).text.find("between 0.400 and 0.600") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(shares_are_judged_by_their_errors_only_if_the_chains_mix) {
  const auto level = [](double off, double r_hat) {
    return judge_shares("pcd", "share of a class", off, 5, r_hat).level;
  };
  BOOST_TEST((level(4, 1.01) == Level::good));
  BOOST_TEST((level(7, 1.01) == Level::warn));
  BOOST_TEST((level(11, 1.01) == Level::bad));
  BOOST_TEST((level(1, 6.4) == Level::bad));
  BOOST_TEST(judge_shares("pcd", "share of a class", 0.5, 5, 6.4).text ==
             "pcd: the share of a class is off by up to 0.500 percentage points; its chains have "
             "not mixed, R-hat 6.40.");
}

// exp(-|x|) falls off within the box, a constant does not.
BOOST_AUTO_TEST_CASE(a_quadrature_that_may_be_wrong_says_why) {
  const train::Box box{-30, 30, -30, 30};
  const auto integrated = [&](double slope, const train::QuadratureOptions& options) {
    return train::integrate(
        [=](ad::ConstView x, std::span<double> log_p) {
          for (std::size_t i = 0; i < log_p.size(); ++i)
            log_p[i] = -slope * (std::abs(double(x(i, 0))) + std::abs(double(x(i, 1))));
        },
        box, {}, options);
  };
  BOOST_TEST(doubt(integrated(1, {})) == "");
  BOOST_TEST(doubt(integrated(0, {})).find("% of its mass lie at the edge") != std::string::npos);
  const std::string coarse = doubt(integrated(1.7, {.cells = 3, .max_evaluations = 1000}));
  BOOST_TEST(coarse.starts_with("its log Z is known to "), coarse);
}
