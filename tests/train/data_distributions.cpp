#include <boost/test/unit_test.hpp>
#include <numbers>
#include <set>

#include "mcmc/targets/mixture.hpp"
#include "tests/mcmc/plane.hpp"
#include "train/data/checkerboard.hpp"
#include "train/data/dataset.hpp"
#include "train/data/two_moons.hpp"
#include "train/data/two_spirals.hpp"
#include "train/metrics/grid.hpp"

namespace eqp::train {
namespace {

const std::vector<double> kOneToEight{1, 2, 3, 4, 5, 6, 7, 8};

struct Case {
  Distribution distribution;
  // A square that holds the mass; of the checkerboard, one whose cells end where its squares do.
  double half, x0 = 0, y0 = 0;
};

std::vector<Case> all() {
  return {{two_modes(), 3.6},
          {two_modes({.equal_covariance = true}), 3.6},
          {four_modes(), 4.5},
          {eight_gaussians({.weights = kOneToEight}), 2},
          {rings({.weights = {4, 3, 2, 1}}), 5},
          {two_moons({.weights = {0.2, 0.8}}), 2.2, 0.5, 0.25},
          {two_moons({.noise = 0.3, .weights = {0.7, 0.3}}), 3.4, 0.5, 0.25},
          {two_spirals({.noise = 0.2}), 4.5},
          {checkerboard({.weights = {3, 1, 3, 1, 3, 1, 3, 1}}), 5}};
}

double log_prob_at(const Distribution& d, double x, double y) {
  const double point[] = {x, y};
  return d.log_prob(point);
}

std::size_t mode_at(const Distribution& d, double x, double y) {
  const Real point[] = {Real(x), Real(y)};
  return d.modes.checked(point);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_distributions)

BOOST_AUTO_TEST_CASE(densities_integrate_to_one_and_draws_follow_them) {
  std::uint32_t stream = 0;
  for (const auto& [d, half, x0, y0] : all()) {
    BOOST_TEST_CONTEXT(d.name) {
      const PlaneCheck check = check_plane(d.log_prob, d.sample, half, {5, stream++}, x0, y0);
      BOOST_TEST(std::abs(check.mass - 1) < 1e-6);
      BOOST_TEST(std::abs(check.chi_square) < 4);
      BOOST_TEST(std::abs(check.mean_log_prob + check.entropy) <
                 4 * check.log_prob_deviation + 1e-9);
    }
  }
}

BOOST_AUTO_TEST_CASE(mode_weights_are_the_masses_of_the_modes_regions) {
  std::uint32_t stream = 50;
  for (const auto& [d, half, x0, y0] : all()) {
    BOOST_TEST_CONTEXT(d.name) {
      BOOST_TEST_REQUIRE(d.weights.size() == d.modes.count);
      // Midpoint rule: a border of density p contributes an error of the order of p times the cell.
      constexpr std::size_t kCells = 500;
      const ad::Tensor x =
          grid_points({x0 - half, x0 + half, y0 - half, y0 + half}, kCells, kCells);
      const auto log_p = log_prob(d, x);
      std::vector<double> masses(d.modes.count);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        masses[d.modes.checked(x.row(i))] += std::exp(log_p[i]) * std::pow(2 * half / kCells, 2);
      }
      for (std::size_t k = 0; k < masses.size(); ++k) {
        BOOST_TEST(std::abs(masses[k] - d.weights[k]) < 1e-4);
      }
      // Draws, in standard errors.
      const std::size_t n = 100000;
      const auto counts = mode_counts(draw(d, n, {5, stream++}), d.modes);
      BOOST_TEST(weight_error(counts, n, d.weights).max_z < 4);
    }
  }
}

BOOST_AUTO_TEST_CASE(modes_are_numbered_as_documented) {
  BOOST_TEST(mode_at(two_modes(), 1, 1) == 1u);
  BOOST_TEST(two_modes().weights[1] == 2.0 / 3, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(mode_at(four_modes(), 0.9, 0.2) == 2u);
  const Distribution eight = eight_gaussians({.weights = kOneToEight});
  for (int k = 0; k < 8; ++k) {
    const double angle = k * std::numbers::pi / 4;
    BOOST_TEST(mode_at(eight, 0.8 * std::cos(angle), 0.8 * std::sin(angle)) == std::size_t(k));
  }
  BOOST_TEST(mode_at(rings(), 0, -2.4) == 1u);
  BOOST_TEST(mode_at(rings(), 0, 0) == 0u);
  BOOST_TEST(mode_at(two_moons(), 0, 1.1) == 0u);
  BOOST_TEST(mode_at(two_moons(), -1, -0.1) == 0u);
  BOOST_TEST(mode_at(two_moons(), 1, -0.6) == 1u);
  // The upper moon's end at (1, 0) and the lower one's at (0, 1/2), each inside the other moon.
  BOOST_TEST(mode_at(two_moons(), 1, -0.1) == 0u);
  BOOST_TEST(mode_at(two_moons(), 0, 0.6) == 1u);
  BOOST_TEST(mode_at(checkerboard(), -1, 3) == 0u);
  BOOST_TEST(mode_at(checkerboard(), 1, 1) == 3u);
  BOOST_TEST(mode_at(checkerboard(), 3.9, 3.9) == 1u);
  BOOST_TEST(mode_at(checkerboard(), 1, -9) == 7u);
}

// Eight Gaussians: a component reaches over the lines halfway to its two neighbours; beyond those
// it has 4e-8 at most. With pairwise exchange e the mass of sector k is w_k (1 - 2e) + e (w_{k-1} +
// w_{k+1}).
BOOST_AUTO_TEST_CASE(the_sectors_of_eight_gaussians_exchange_mass_with_their_neighbours) {
  const Distribution d = eight_gaussians({.weights = kOneToEight});
  const double e = 0.5 * std::erfc(std::sin(std::numbers::pi / 8) / 0.15 / std::numbers::sqrt2);
  for (std::size_t k = 0; k < 8; ++k) {
    const double left = kOneToEight[(k + 7) % 8], right = kOneToEight[(k + 1) % 8];
    const double expected = (kOneToEight[k] * (1 - 2 * e) + e * (left + right)) / 36;
    BOOST_TEST(std::abs(d.weights[k] - expected) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(base_variances_are_the_largest_variance_of_a_coordinate) {
  BOOST_TEST(two_modes().base_variance == 25.0 / 12, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(two_modes({.equal_covariance = true}).base_variance == 2.05,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(four_modes().base_variance == 4.05, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(eight_gaussians().base_variance == 0.5225, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(rings().base_variance == 3.76125, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(two_moons().base_variance == 0.76, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(checkerboard().base_variance == 16.0 / 3, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(draws_have_the_base_variance) {
  std::uint32_t stream = 100;
  for (const auto& [d, half, x0, y0] : all()) {
    BOOST_TEST_CONTEXT(d.name) {
      const std::size_t n = 100000;
      const ad::Tensor x = draw(d, n, {5, stream++});
      double largest = 0;
      for (std::size_t j = 0; j < 2; ++j) {
        double mean = 0, square = 0;
        for (std::size_t i = 0; i < n; ++i) {
          mean += x(i, j) / double(n);
          square += double(x(i, j)) * x(i, j) / double(n);
        }
        largest = std::max(largest, square - mean * mean);
      }
      // The relative standard error of a variance is at most sqrt(2 / n) for kurtosis up to 3.
      BOOST_TEST(largest == d.base_variance, boost::test_tools::tolerance(4 * std::sqrt(2.0 / n)));
    }
  }
}

// Against the integral over t by a midpoint rule of 200000 points, written out.
BOOST_AUTO_TEST_CASE(the_density_of_two_moons_is_the_integral_along_the_arcs) {
  for (const double noise : {0.03, 0.1, 0.4}) {
    const Distribution d = two_moons({.noise = noise, .weights = {1, 3}});
    for (const auto& [x, y] :
         {std::pair{0.0, 1.0}, {1.3, -0.1}, {-1.05, -0.2}, {0.5, 0.25}, {3.0, 3.0}}) {
      constexpr int kPoints = 200000;
      double log_total = -std::numeric_limits<double>::infinity();
      for (int i = 0; i < kPoints; ++i) {
        const double t = std::numbers::pi * (i + 0.5) / kPoints;
        const auto log_at = [&, a = x, b = y](double weight, double u, double v) {
          return std::log(weight / kPoints / (2 * std::numbers::pi * noise * noise)) -
                 ((a - u) * (a - u) + (b - v) * (b - v)) / (2 * noise * noise);
        };
        log_total = mcmc::log_add(log_total, log_at(0.25, std::cos(t), std::sin(t)));
        log_total = mcmc::log_add(log_total, log_at(0.75, 1 - std::cos(t), 0.5 - std::sin(t)));
      }
      // Only the far point (3, 3) has a log density below -100: there the integrand decays within
      // a fraction of a piece from the arc's end.
      const double tolerance = log_total > -100 ? 1e-5 : 1e-4 * -log_total;
      BOOST_TEST(std::abs(log_prob_at(d, x, y) - log_total) < tolerance);
    }
  }
}

// Two moons of equal weight, mean (0.5, 0.25), sd (0.872, 0.504), entropy 1.008 nats.
BOOST_AUTO_TEST_CASE(two_moons_have_their_known_moments) {
  const std::size_t n = 100000;
  const Distribution d = two_moons();
  const ad::Tensor x = draw(d, n, {8, 0});
  const double mean[] = {0.5, 0.25}, sd[] = {0.872, 0.504};
  for (std::size_t j = 0; j < 2; ++j) {
    double sum = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum += x(i, j) / double(n);
      square += (x(i, j) - mean[j]) * (x(i, j) - mean[j]) / double(n);
    }
    BOOST_TEST(std::abs(sum - mean[j]) < 4 * sd[j] / std::sqrt(double(n)));
    BOOST_TEST(std::abs(std::sqrt(square) - sd[j]) < 0.005);
  }
  double entropy = 0;
  for (const double l : log_prob(d, x)) entropy -= l / double(n);
  BOOST_TEST(std::abs(entropy - 1.008) < 0.01);
}

BOOST_AUTO_TEST_CASE(log_prob_of_an_array_is_that_of_its_rows) {
  const Distribution d = rings();
  const ad::Tensor x = draw(d, 700, {8, 1});
  const auto values = log_prob(d, x);
  for (std::size_t i = 0; i < 700; ++i) BOOST_TEST(values[i] == log_prob_at(d, x(i, 0), x(i, 1)));
}

BOOST_AUTO_TEST_CASE(nothing_is_drawn_from_the_light_squares) {
  const Distribution d = checkerboard();
  for (const double l : log_prob(d, draw(d, 20000, {8, 2})))
    BOOST_TEST(l == -std::log(32), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(std::isinf(log_prob_at(d, -3, 3)));
  BOOST_TEST(std::isinf(log_prob_at(d, 5, 3)));
}

BOOST_AUTO_TEST_CASE(bad_options_are_refused) {
  BOOST_CHECK_THROW(two_moons({.noise = 0}), std::invalid_argument);
  BOOST_CHECK_THROW(two_spirals({.noise = 2}), std::invalid_argument);
  BOOST_CHECK_THROW(two_moons({.weights = {1, 1, 1}}), std::invalid_argument);
  BOOST_CHECK_THROW(checkerboard({.weights = {1, 2}}), std::invalid_argument);
  BOOST_CHECK_THROW(eight_gaussians({.weights = {0, 0, 0, 0, 0, 0, 0, 0}}), std::invalid_argument);
  BOOST_CHECK_THROW(rings({.std = -1}), std::invalid_argument);
}

// Between neighbours, whose means differ in half of the coordinates, Phi(-a sqrt(d / 2)) of the
// mass is nearer to the wrong centre: 4e-5 for d = 16, hardly anything beyond.
BOOST_AUTO_TEST_CASE(four_corners_are_four_equal_modes_far_apart) {
  const std::pair<std::size_t, double> variances[] = {{16, 2.937}, {32, 3.421}, {64, 3.905}};
  for (const auto& [dim, variance] : variances) {
    const Distribution d = four_corners(dim);
    BOOST_TEST(d.dim == dim);
    BOOST_TEST(std::abs(d.base_variance - variance) < 5e-4);
    const double a = std::sqrt(variance - 1);
    std::set<std::size_t> modes;
    for (const double first : {a, -a}) {
      for (const double second : {a, -a}) {
        std::vector<double> mean(dim, first);
        std::fill_n(mean.begin(), dim / 2, second);
        modes.insert(d.modes.of(std::vector<Real>(mean.begin(), mean.end())));
        const double top = -std::log(4) - 0.5 * double(dim) * std::log(2 * std::numbers::pi);
        BOOST_TEST(std::abs(d.log_prob(mean) - top) < 1e-5);  // a is rounded above
      }
    }
    BOOST_TEST(modes.size() == 4u);
    const std::size_t n = 20000;
    const ad::Tensor x = draw(d, n, {6});
    BOOST_TEST(weight_error(mode_counts(x, d.modes), n, d.weights).max_z < 4);
    double squares = 0;
    for (const Real v : x.flat()) squares += double(v) * v / double(n * dim);
    // (+-a + xi)^2 has the variance 4 a^2 + 2.
    BOOST_TEST(std::abs(squares - variance) <
               4 * std::sqrt((4 * a * a + 2) / double(n * dim)) + 5e-4);
  }
  BOOST_CHECK_THROW(four_corners(0), std::invalid_argument);
  BOOST_CHECK_THROW(four_corners(7), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
