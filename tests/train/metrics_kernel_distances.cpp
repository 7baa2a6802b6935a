#include "train/metrics/kernel_distances.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "autodiff/parallel.hpp"
#include "autodiff/random.hpp"
#include "tests/message.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// Rows of N(mean, sd^2 I).
ad::Tensor normals(std::size_t n, std::size_t d, double mean, double sd, ad::Key key) {
  ad::Tensor x = ad::normal({n, d}, key);
  for (Real& v : x.flat()) v = Real(mean + sd * double(v));
  return x;
}

ad::Tensor points(const std::vector<std::vector<double>>& rows) {
  ad::Tensor x({rows.size(), rows[0].size()});
  for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(rows[i], x.row(i).begin());
  return x;
}

constexpr double kRounding = sizeof(Real) == 4 ? 1e-6 : 1e-12;

}  // namespace

BOOST_AUTO_TEST_CASE(distances_of_a_few_points_are_those_by_hand) {
  // A triangle with sides 3, 4 and 5.
  const ad::Tensor x = points({{0, 0}, {3, 0}}), y = points({{3, 4}});
  BOOST_TEST(energy_distance(x, y) == std::sqrt(2 * (5. + 4) / 2 - 3. / 2),
             boost::test_tools::tolerance(kRounding));
  const auto k = [](double square) { return (std::exp(-square / 8) + std::exp(-square / 2)) / 2; };
  const double mmd_square = (1 + k(9)) / 2 + 1 - 2 * (k(25) + k(16)) / 2;
  BOOST_TEST(mmd(x, y, {2, 1}) == std::sqrt(mmd_square), boost::test_tools::tolerance(kRounding));
  BOOST_TEST(energy_distance(x, x) < 1e-7);
  BOOST_TEST(mmd(x, x, {1}) < 1e-7);
  BOOST_TEST(median_distance(points({{0, 0}, {3, 0}, {3, 4}})) == 4.0);
  BOOST_TEST(median_distance(points({{0}, {1}, {3}, {7}})) == 4.0);  // of 1, 2, 3, 4, 6 and 7
}

// In one dimension: the integral of the squared difference of the distribution functions, here of
// the empirical ones of samples of unequal size.
BOOST_AUTO_TEST_CASE(the_energy_distance_on_the_line_is_that_of_distribution_functions) {
  const ad::Tensor x = normals(60, 1, 0, 1, {1}), y = normals(35, 1, 0.4, 1.5, {2});
  std::vector<std::pair<double, double>> jumps;
  for (const Real v : x.flat()) jumps.emplace_back(v, 1. / 60);
  for (const Real v : y.flat()) jumps.emplace_back(v, -1. / 35);
  std::ranges::sort(jumps);
  double difference = 0, integral = 0;
  for (std::size_t i = 0; i + 1 < jumps.size(); ++i) {
    difference += jumps[i].second;
    integral += difference * difference * (jumps[i + 1].first - jumps[i].first);
  }
  BOOST_TEST(energy_distance(x, y) == std::sqrt(2 * integral), boost::test_tools::tolerance(1e-9));
}

// Large samples of Gaussians on the line. With s^2 the sum of two variances and m the distance of
// the means: E|x - y| = s sqrt(2 / pi) exp(-m^2 / (2 s^2)) + m erf(m / (s sqrt(2))) and
// E k = h / sqrt(h^2 + s^2) exp(-m^2 / (2 (h^2 + s^2))).
BOOST_AUTO_TEST_CASE(distances_of_gaussians_are_the_known_ones) {
  const double m = 0.7, a = 1, b = 1.6, h = 0.8;
  const std::size_t n = 700;
  const auto distance = [](double s, double mean) {
    return s * std::sqrt(2 / std::numbers::pi) * std::exp(-mean * mean / (2 * s * s)) +
           mean * std::erf(mean / (s * std::sqrt(2)));
  };
  const auto kernel = [=](double s, double mean) {
    const double v = h * h + s * s;
    return h / std::sqrt(v) * std::exp(-mean * mean / (2 * v));
  };
  // A pair of a point with itself, one in n, is at distance 0 where others are at E f.
  const auto squared = [&](const auto& f, double at_zero) {
    const double s = std::sqrt(a * a + b * b), own = 1. / n;
    const auto within = [&](double sd) {
      return (1 - own) * f(sd * std::sqrt(2), 0.0) + own * at_zero;
    };
    return 2 * f(s, m) - within(a) - within(b);
  };
  Mean energy, mean_discrepancy;
  for (std::uint32_t r = 0; r < 30; ++r) {
    const ad::Key key = ad::Key{4}.fork(r);
    const ad::Tensor x = normals(n, 1, 0, a, key.fork(0)), y = normals(n, 1, m, b, key.fork(1));
    energy.add(std::pow(energy_distance(x, y), 2));
    mean_discrepancy.add(std::pow(mmd(x, y, {h}), 2));
  }
  BOOST_TEST(energy.off(squared(distance, 0)) < 4);
  BOOST_TEST(energy.error() < 0.015);
  BOOST_TEST(mean_discrepancy.off(-squared(kernel, 1)) < 4);
  BOOST_TEST(mean_discrepancy.error() < 0.004);
}

BOOST_AUTO_TEST_CASE(kernel_distances_have_the_same_bits_on_any_number_of_threads) {
  const ad::Tensor x = normals(300, 3, 0, 1, {1}), y = normals(200, 3, 0.2, 1, {2});
  const auto both = [&] { return std::pair(energy_distance(x, y), mmd(x, y, {0.5, 1})); };
  BOOST_TEST((ad::with_threads(1, both) == ad::with_threads(4, both)));
}

BOOST_AUTO_TEST_CASE(kernel_distances_refuse_what_has_no_pairs) {
  const ad::Tensor x({3, 2}), y({3, 1});
  BOOST_TEST(test::refusal([&] { energy_distance(x, y); }) ==
             "energy_distance: samples (3, 2) and (3, 1); need (n, d) and (m, d), not empty");
  BOOST_CHECK_THROW(mmd(x, ad::Tensor({0, 2}), {1}), std::invalid_argument);
  BOOST_TEST(test::refusal([&] { mmd(x, x, {}); }) == "mmd: no bandwidths: need at least 1");
  BOOST_TEST(test::refusal([&] { mmd(x, x, {1, 0}); }) == "mmd: bandwidth 0.000000: need above 0");
  BOOST_CHECK_THROW(median_distance(ad::Tensor({1, 2})), std::invalid_argument);
  ad::Tensor bad({3, 2});
  bad.flat()[1] = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST((std::isnan(energy_distance(x, bad)) && std::isnan(mmd(bad, x, {1}))));
  ad::Tensor lost = normals(50, 2, 0, 1, {1});
  lost(7, 0) = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST(std::isnan(median_distance(lost)));
}
