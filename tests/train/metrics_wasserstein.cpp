#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "autodiff/parallel.hpp"
#include "train/metrics/wasserstein.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

constexpr double kRounding = sizeof(Real) == 8 ? 1e-9 : 1e-5;

double distance(ad::ConstView x, std::size_t i, ad::ConstView y, std::size_t j) {
  double square = 0;
  for (std::size_t k = 0; k < x.cols(); ++k)
    square += std::pow(double(x(i, k)) - double(y(j, k)), 2);
  return std::sqrt(square);
}

/// W_p by trying every matching; points of the smaller sample are repeated until the sizes agree.
double brute_force(ad::ConstView x, ad::ConstView y, double p) {
  const std::size_t size = std::lcm(x.rows(), y.rows());
  std::vector<std::size_t> match(size);
  std::iota(match.begin(), match.end(), std::size_t(0));
  double best = std::numeric_limits<double>::infinity();
  do {
    double cost = 0;
    for (std::size_t i = 0; i < size; ++i)
      cost += std::pow(distance(x, i % x.rows(), y, match[i] % y.rows()), p);
    best = std::min(best, cost);
  } while (std::ranges::next_permutation(match).found);
  return std::pow(best / static_cast<double>(size), 1 / p);
}

ad::Tensor mapped(const ad::Tensor& x, auto f) {
  ad::Tensor y = x;
  for (std::size_t i = 0; i < x.rows(); ++i) f(y.row(i));
  return y;
}

/// Equal weights on a circle of radius 2, standard deviation 0.2.
ad::Tensor eight_gaussians(std::size_t n, ad::Key key) {
  ad::Draws draws(key);
  ad::Tensor x({n, 2});
  for (std::size_t i = 0; i < n; ++i) {
    const double angle = std::numbers::pi / 4 * static_cast<double>(draws.below(8));
    x(i, 0) = static_cast<Real>(2 * std::cos(angle) + 0.2 * draws.normal());
    x(i, 1) = static_cast<Real>(2 * std::sin(angle) + 0.2 * draws.normal());
  }
  return x;
}

ad::Tensor moons(std::size_t n, ad::Key key) {
  ad::Draws draws(key);
  ad::Tensor x({n, 2});
  for (std::size_t i = 0; i < n; ++i) {
    const double t = std::numbers::pi * draws.uniform();
    const bool upper = draws.uniform() < 0.5;
    x(i, 0) = static_cast<Real>((upper ? std::cos(t) : 1 - std::cos(t)) + 0.1 * draws.normal());
    x(i, 1) = static_cast<Real>((upper ? std::sin(t) : 0.5 - std::sin(t)) + 0.1 * draws.normal());
  }
  return x;
}

/// 16 repetitions at n = 1000 against published-style (mean, sd): within 4 standard errors of both
/// means.
void check_floor(auto metric, auto sampler, double mean, double sd) {
  const auto sample = [&](std::size_t k) {
    return sampler(1000, ad::Key{3, static_cast<std::uint32_t>(k)});
  };
  const Floor floor = sampling_floor(metric, sample, 16);
  BOOST_TEST(std::abs(floor.mean - mean) < 4 * sd / 4);
  BOOST_TEST(floor.sd < 2 * sd);
  BOOST_TEST(floor.sd > sd / 2);
}

}  // namespace

BOOST_AUTO_TEST_CASE(wasserstein_agrees_with_every_matching_of_seven_points) {
  for (std::uint32_t seed = 0; seed < 3; ++seed) {
    const ad::Tensor x = ad::normal({7, 3}, {seed, 0}), y = ad::normal({7, 3}, {seed, 1});
    BOOST_TEST(w1(x, y) == brute_force(x, y, 1), boost::test_tools::tolerance(1e-9));
    BOOST_TEST(w2(x, y) == brute_force(x, y, 2), boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(wasserstein_splits_points_of_samples_of_unequal_size) {
  const ad::Tensor x = ad::normal({4, 2}, {5, 0}), y = ad::normal({8, 2}, {5, 1}),
                   z = ad::normal({3, 2}, {5, 2}), u = ad::normal({2, 2}, {5, 3});
  BOOST_TEST(w1(x, y) == brute_force(x, y, 1), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(w2(y, x) == brute_force(x, y, 2), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(w2(z, u) == brute_force(z, u, 2), boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(wasserstein_of_a_shifted_sample_is_the_length_of_the_shift) {
  const ad::Tensor x = ad::normal({200, 2}, {1, 0});
  const ad::Tensor y = mapped(x, [](auto row) { row[0] += 3, row[1] -= 4; });
  BOOST_TEST(w1(x, y) == 5, boost::test_tools::tolerance(kRounding));
  BOOST_TEST(w2(x, y) == 5, boost::test_tools::tolerance(kRounding));
  BOOST_TEST(w2(x, x) == 0);
  // Over evenly spaced angles the mean of (u.v)^2 is |v|^2 / 2.
  BOOST_TEST(sliced_w2(x, y) == 5 / std::numbers::sqrt2, boost::test_tools::tolerance(kRounding));
  BOOST_TEST(sliced_w2(x, y, {.directions = 3}) == 5 / std::numbers::sqrt2,
             boost::test_tools::tolerance(kRounding));
}

// A symmetric positive definite A is the gradient of a convex function, hence the optimal map
// (Brenier 1991), between Gaussians as between any sample and its image.
BOOST_AUTO_TEST_CASE(wasserstein_of_a_linear_image_is_the_cost_of_the_map) {
  const ad::Tensor x = ad::normal({500, 2}, {2, 0});
  const ad::Tensor y = mapped(x, [](auto row) {
    const Real a = row[0], b = row[1];
    row[0] = 2 * a + Real(0.7) * b + 1;
    row[1] = Real(0.7) * a + Real(0.5) * b - 2;
  });
  double mean = 0;
  for (std::size_t i = 0; i < 500; ++i) mean += std::pow(distance(x, i, y, i), 2) / 500;
  BOOST_TEST(w2(x, y) == std::sqrt(mean), boost::test_tools::tolerance(kRounding));
}

BOOST_AUTO_TEST_CASE(wasserstein_on_the_line_is_the_sorted_matching) {
  const ad::Tensor x = ad::normal({300, 1}, {4, 0});
  const ad::Tensor y =
      mapped(ad::normal({300, 1}, {4, 1}), [](auto row) { row[0] = row[0] * row[0] - 1; });
  ad::Tensor a = x, b = y;
  std::ranges::sort(a.flat());
  std::ranges::sort(b.flat());
  double first = 0, second = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    first += distance(a, i, b, i) / 300;
    second += std::pow(distance(a, i, b, i), 2) / 300;
  }
  BOOST_TEST(w1(x, y) == first, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(w2(x, y) == std::sqrt(second), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(sliced_w2(x, y, {.directions = 5}) == std::sqrt(second),
             boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(sliced_wasserstein_in_five_dimensions_averages_over_directions_of_one_key) {
  const ad::Tensor x = ad::normal({50, 5}, {6, 0});
  const ad::Tensor y = mapped(x, [](auto row) { row[0] += 1, row[3] += 2; });
  const double once = sliced_w2(x, y, {.directions = 4000, .key = {8, 1}});
  // (u.v)^2 / |v|^2 is Beta(1/2, 2): mean 1/5, variance 8/175.
  const double standard_error = 5 * std::sqrt(8.0 / 175 / 4000);
  BOOST_TEST(std::abs(once * once - 1) < 4 * standard_error);
  BOOST_TEST(sliced_w2(x, y, {.directions = 4000, .key = {8, 1}}) == once);
  BOOST_TEST(sliced_w2(x, y, {.directions = 4000, .key = {8, 2}}) != once);
}

BOOST_AUTO_TEST_CASE(sampling_floors_of_eight_gaussians_and_moons_are_the_known_ones) {
  check_floor(w1, eight_gaussians, 0.143, 0.025);
  check_floor(w2, eight_gaussians, 0.262, 0.050);
  check_floor(w2, moons, 0.104, 0.026);
}

BOOST_AUTO_TEST_CASE(sampling_floor_has_the_same_bits_on_one_and_two_threads) {
  const auto run = [] {
    return sampling_floor(
        [](ad::ConstView x, ad::ConstView y) { return w2(x, y) + sliced_w2(x, y); },
        [](std::size_t k) {
          return moons(100, {9, static_cast<std::uint32_t>(k)});
        },
        5);
  };
  const Floor one = ad::with_threads(1, run), two = ad::with_threads(2, run);
  BOOST_TEST(one.mean == two.mean);
  BOOST_TEST(one.sd == two.sd);
}

BOOST_AUTO_TEST_CASE(wasserstein_shows_nan_and_rejects_samples_that_do_not_fit) {
  const ad::Tensor x = ad::normal({5, 2}, {1, 0});
  ad::Tensor spoiled = x;
  spoiled(3, 1) = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST(std::isnan(w1(x, spoiled)));
  BOOST_TEST(std::isnan(w2(spoiled, x)));
  BOOST_TEST(std::isnan(sliced_w2(x, spoiled)));
  BOOST_CHECK_THROW(w2(x, ad::Tensor({5, 3})), std::invalid_argument);
  BOOST_CHECK_THROW(w2(x, ad::Tensor({0, 2})), std::invalid_argument);
  BOOST_CHECK_THROW(w2(ad::Tensor({20'000, 1}), ad::Tensor({20'000, 1})), std::invalid_argument);
  BOOST_CHECK_THROW(sliced_w2(x, ad::Tensor({4, 2})), std::invalid_argument);
  BOOST_CHECK_THROW(sliced_w2(x, x, {.directions = 0}), std::invalid_argument);
  const auto sample = [&](std::size_t) { return x; };
  BOOST_CHECK_THROW(sampling_floor(w1, sample, 1), std::invalid_argument);
}
