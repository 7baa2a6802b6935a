#include "experiments/common/findings.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace eqp;

BOOST_AUTO_TEST_CASE(the_late_weight_is_of_the_last_quarter) {
  const std::vector<double> curve{0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.2, 0.6};
  const LateWeight late = late_weight(curve);
  BOOST_TEST(late.mean == 0.4, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(late.low == 0.2);
  BOOST_TEST(late.high == 0.6);
  BOOST_TEST(late_weight(std::vector<double>{0.3}).mean == 0.3);
}

BOOST_AUTO_TEST_CASE(a_weight_is_judged_by_its_distance_and_its_range) {
  const auto judged = [](double mean, double range = 0) {
    return judge_weight("pcd", "the mode", 0.5, {mean, mean - range / 2, mean + range / 2});
  };
  BOOST_TEST((judged(0.51).level == Level::good));
  BOOST_TEST((judged(0.53).level == Level::warn));
  BOOST_TEST((judged(0.6).level == Level::bad));
  BOOST_TEST((judged(0.5, 0.2).level == Level::bad));
  BOOST_TEST(judged(0.36).text.starts_with("pcd lost 28 % of the mode: 0.360 over"));
  BOOST_TEST(judged(0.6).text.starts_with("pcd gave the mode 20 % too much: 0.600 over"));
  BOOST_TEST(judged(0.5, 0.2).text.find("between 0.400 and 0.600") != std::string::npos);
}
