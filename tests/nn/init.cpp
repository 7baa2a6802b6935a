#include "nn/init.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "nn/linear.hpp"

using namespace eqp;

namespace {

constexpr std::size_t kIn = 300, kOut = 200;

struct Layer {
  std::vector<double> weight, bias;
};

Layer layer(const nn::Init& init) {
  ad::Params params;
  const nn::Linear linear(params, "l", {kIn, kOut}, {11, 0}, init);
  const auto v = params.values();
  return {{v.begin(), v.begin() + kIn * kOut}, {v.begin() + kIn * kOut, v.end()}};
}

// Mean 0 and the given variance within 4 standard errors; kurtosis is E x^4 / (E x^2)^2.
void check_moments(const std::vector<double>& x, double variance, double kurtosis) {
  double m1 = 0, m2 = 0, m4 = 0;
  for (double v : x) {
    m1 += v;
    m2 += v * v;
    m4 += v * v * v * v;
  }
  const double n = double(x.size());
  BOOST_TEST(std::abs(m1 / n) < 4 * std::sqrt(variance / n));
  BOOST_TEST(std::abs(m2 / n - variance) < 4 * variance * std::sqrt((kurtosis - 1) / n));
  // 1.8 for a uniform, 3 for a normal: far apart at any of the sizes here.
  BOOST_TEST(std::abs(m4 / n / (m2 / n * m2 / n) - kurtosis) < 0.4);
}

void check_uniform(const std::vector<double>& x, double bound) {
  check_moments(x, bound * bound / 3, 1.8);
  const double largest =
      std::abs(*std::ranges::max_element(x, {}, [](double v) { return std::abs(v); }));
  BOOST_TEST(largest <= bound * (1 + 1e-6));  // rounding to float may reach past the bound
  // P(all n within (1 - 10/n) of the bound) = e^-10
  BOOST_TEST(largest > bound * (1 - 10.0 / double(x.size())));
}

bool all_zero(const std::vector<double>& x) {
  return std::ranges::all_of(x, [](double v) { return v == 0; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(init)

BOOST_AUTO_TEST_CASE(the_default_is_uniform_within_one_over_root_fan_in_for_weight_and_bias) {
  const Layer l = layer(nn::torch_linear());
  check_uniform(l.weight, 1 / std::sqrt(300.0));
  check_uniform(l.bias, 1 / std::sqrt(300.0));
}

BOOST_AUTO_TEST_CASE(glorots_initialisers_have_variance_two_over_the_sum_of_fans) {
  const Layer uniform = layer(nn::glorot_uniform());
  check_uniform(uniform.weight, std::sqrt(3 * 2 / 500.0));
  BOOST_TEST(all_zero(uniform.bias));
  const Layer normal = layer(nn::glorot_normal());
  check_moments(normal.weight, 2 / 500.0, 3);
  BOOST_TEST(all_zero(normal.bias));
}

BOOST_AUTO_TEST_CASE(normal_initialisers_have_the_variance_asked_for_and_zero_bias) {
  const Layer fixed = layer(nn::normal(0.3));
  check_moments(fixed.weight, 0.09, 3);
  BOOST_TEST(all_zero(fixed.bias));
  const Layer scaled = layer(nn::fan_in_normal(1e-6));
  check_moments(scaled.weight, 1e-12 / 300, 3);
  BOOST_TEST(all_zero(scaled.bias));
}

BOOST_AUTO_TEST_CASE(zeros_are_zero) {
  const Layer l = layer(nn::zeros());
  BOOST_TEST(all_zero(l.weight));
  BOOST_TEST(all_zero(l.bias));
}

BOOST_AUTO_TEST_CASE(weights_and_biases_do_not_share_their_draws) {
  ad::Params params;
  const nn::Linear linear(params, "l", {1, 8}, {11, 0});
  for (std::size_t i = 0; i < 8; ++i) BOOST_TEST(params.values()[i] != params.values()[8 + i]);
}

BOOST_AUTO_TEST_CASE(a_spread_that_is_no_number_or_negative_is_refused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double bad : {-1.0, nan, std::numeric_limits<double>::infinity()}) {
    BOOST_CHECK_THROW(nn::normal(bad), std::invalid_argument);
    BOOST_CHECK_THROW(nn::fan_in_normal(bad), std::invalid_argument);
  }
}

BOOST_AUTO_TEST_SUITE_END()
