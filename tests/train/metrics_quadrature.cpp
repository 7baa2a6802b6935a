#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "autodiff/parallel.hpp"
#include "train/metrics/quadrature.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr bool kDouble = sizeof(Real) == 8;

/// A log density from a function of (x, y), or of x on an interval.
template <class F>
LogDensity density(F f) {
  return [f](ad::ConstView x, std::span<double> log_p) {
    if (x.rows() != kDensityRows || log_p.size() != kDensityRows)
      throw std::logic_error("a block of another size");
    for (std::size_t i = 0; i < x.rows(); ++i)
      log_p[i] = f(double(x(i, 0)), x.cols() == 2 ? double(x(i, 1)) : 0);
  };
}

double log_gaussian(double x, double y, double mean, double variance) {
  const double square = (x - mean) * (x - mean) + (y - mean) * (y - mean);
  return -square / (2 * variance) - std::log(2 * std::numbers::pi * variance);
}

/// 1/3 N((-1.5, -1.5), .05 I) + 2/3 N((1.5, 1.5), .1 I), times e^3.
double two_modes(double x, double y) {
  return 3 + std::log(std::exp(log_gaussian(x, y, -1.5, 0.05)) / 3 +
                      2 * std::exp(log_gaussian(x, y, 1.5, 0.1)) / 3);
}

/// Right of the line x + y = 0 or not.
const Modes kSides{.of = [](std::span<const Real> x) -> std::size_t { return x[0] + x[1] > 0; },
                   .count = 2};
const Box kBox{-4.1, 4, -3.9, 4.2};

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

}  // namespace

BOOST_AUTO_TEST_CASE(quadrature_finds_log_z_and_masses_of_an_asymmetric_mixture) {
  const Quadrature q = integrate(density(two_modes), kBox, kSides);
  BOOST_TEST(std::abs(q.log_z - 3) < (kDouble ? 1e-7 : 1e-6));
  BOOST_TEST(std::abs(q.masses[0] - 1.0 / 3) < 1e-6);
  BOOST_TEST(std::abs(q.masses[1] - 2.0 / 3) < 1e-6);
  BOOST_TEST(q.change < 1e-6);
  BOOST_TEST(q.edge_mass < 1e-9);
  BOOST_TEST(q.evaluations < 200'000u);
}

// exp(-max_i a_i.x) has the mass 2 |{max_i a_i.x <= 1}|: the area of a triangle, from its corners.
BOOST_AUTO_TEST_CASE(quadrature_keeps_its_word_for_a_piecewise_linear_energy) {
  const double a[3][2] = {{6, 0.9}, {-3, 5.1}, {-2.4, -6.3}};
  const auto energy = [&](double x, double y) {
    const double u = x - 0.317, v = y + 0.0519;
    return std::max(
        {a[0][0] * u + a[0][1] * v, a[1][0] * u + a[1][1] * v, a[2][0] * u + a[2][1] * v});
  };
  double corner[3][2], twice_area = 0;
  for (int i = 0; i < 3; ++i) {
    const auto &p = a[i], &q = a[(i + 1) % 3];
    const double det = p[0] * q[1] - p[1] * q[0];
    corner[i][0] = (q[1] - p[1]) / det;
    corner[i][1] = (p[0] - q[0]) / det;
  }
  for (int i = 0; i < 3; ++i) {
    const auto &p = corner[i], &q = corner[(i + 1) % 3];
    twice_area += p[0] * q[1] - p[1] * q[0];
  }
  const Box box{-12, 12, -12, 12};
  const LogDensity log_p = density([&](double x, double y) { return -energy(x, y); });
  const Quadrature q = integrate(log_p, box);
  BOOST_TEST(q.change < 1e-6);
  BOOST_TEST(std::abs(q.log_z - std::log(std::abs(twice_area))) < (kDouble ? 1e-6 : 3e-6));
  // The midpoint rule with as many points is worse by orders of magnitude.
  const auto n = static_cast<std::size_t>(std::sqrt(static_cast<double>(q.evaluations)));
  BOOST_TEST(std::abs(log_z(evaluate_grid(log_p, box, n, n)) - std::log(std::abs(twice_area))) >
             1e-5);
}

// The border x + s y = 0.3 through a standard normal: its mass below is Phi(0.3 / sqrt(1 + s^2)).
BOOST_AUTO_TEST_CASE(quadrature_follows_a_border_between_modes_through_high_density) {
  for (const double s : {0.0, 0.5, 0.77, 1.0}) {
    const Modes halves{.of = [=](std::span<const Real> x) -> std::size_t {
                         return x[0] + Real(s) * x[1] > Real(0.3);
                       },
                       .count = 2};
    const Quadrature q = integrate(density([](double x, double y) { return -(x * x + y * y) / 2; }),
                                   {-9, 9, -9, 9}, halves);
    BOOST_TEST(std::abs(q.log_z - std::log(2 * std::numbers::pi)) < 1e-6);
    BOOST_TEST(std::abs(q.masses[0] - normal_cdf(0.3 / std::sqrt(1 + s * s))) < 2e-4);
    BOOST_TEST(q.mass_error < 2e-4);
    BOOST_TEST(q.evaluations < 1'500'000u);
  }
}

BOOST_AUTO_TEST_CASE(quadrature_works_on_an_interval) {
  const auto laplace = density([](double x, double) { return -4 * std::abs(x - 0.1); });
  const Modes halves{.of = [](std::span<const Real> x) -> std::size_t { return x[0] > Real(0.4); },
                     .count = 2};
  const Quadrature q = integrate(laplace, {-9, 8}, halves);
  BOOST_TEST(std::abs(q.log_z - std::log(0.5)) < 1e-6);
  BOOST_TEST(std::abs(q.masses[1] - std::exp(-4 * 0.3) / 2) < 1e-4);
}

BOOST_AUTO_TEST_CASE(quadrature_reports_mass_at_the_edge_of_a_box_that_is_too_small) {
  const Quadrature q = integrate(density([](double x, double) { return -x * x / 2; }), {-1, 1.5});
  const double inside = normal_cdf(1.5) - normal_cdf(-1);
  const double edge = normal_cdf(1.5) - normal_cdf(1.45) + normal_cdf(-0.95) - normal_cdf(-1);
  BOOST_TEST(std::abs(q.log_z - std::log(inside * std::sqrt(2 * std::numbers::pi))) < 1e-6);
  BOOST_TEST(std::abs(q.edge_mass - edge / inside) < 0.3 * edge / inside);
}

BOOST_AUTO_TEST_CASE(quadrature_out_of_budget_says_that_it_has_not_converged) {
  const auto diagonal =
      density([](double x, double y) { return -9 * std::max(std::abs(x - 0.01), std::abs(y)); });
  const Quadrature q =
      integrate(diagonal, {-4, 4, -4, 4}, {}, {.cells = 10, .max_evaluations = 6000});
  BOOST_TEST(q.change > 1e-6);
  BOOST_TEST(q.evaluations <= 6000u);
  BOOST_TEST(std::abs(q.log_z - std::log(8.0 / 81)) > 1e-6);
  BOOST_TEST(
      integrate(diagonal, {-4, 4, -4, 4}, {}, {.cells = 10, .max_evaluations = 1000}).change ==
      kInfinity);
}

BOOST_AUTO_TEST_CASE(quadrature_scales_with_constants_that_overflow_exp) {
  const auto shifted = density([](double x, double y) { return two_modes(x, y) + 5000; });
  BOOST_TEST(std::abs(integrate(shifted, kBox).log_z - 5003) < (kDouble ? 1e-7 : 1e-6));
}

BOOST_AUTO_TEST_CASE(quadrature_does_not_hide_a_density_that_is_nan_infinite_or_zero) {
  const auto spoiled = [](double bad) {
    return density([bad](double x, double y) { return x > 1 && y > 1 ? bad : two_modes(x, y); });
  };
  const Quadrature nan = integrate(spoiled(std::nan("")), kBox, kSides);
  BOOST_TEST(std::isnan(nan.log_z));
  BOOST_TEST(std::isnan(nan.masses[0]));
  BOOST_TEST(std::isnan(integrate(spoiled(kInfinity), kBox).log_z));
  BOOST_TEST(std::isnan(log_z(evaluate_grid(spoiled(std::nan("")), kBox, 50, 50))));
  BOOST_TEST(std::isfinite(integrate(spoiled(-kInfinity), kBox).log_z));
  BOOST_TEST(integrate(density([](double, double) { return -kInfinity; }), kBox).log_z ==
             -kInfinity);
}

BOOST_AUTO_TEST_CASE(quadrature_has_the_same_bits_on_one_and_two_threads) {
  const auto run = [] { return integrate(density(two_modes), kBox, kSides, {.tolerance = 1e-9}); };
  const Quadrature one = ad::with_threads(1, run), two = ad::with_threads(2, run);
  BOOST_TEST(one.log_z == two.log_z);
  BOOST_TEST(one.masses == two.masses);
}

BOOST_AUTO_TEST_CASE(quadrature_rejects_an_empty_box_and_a_wrong_mode_number) {
  BOOST_CHECK_THROW(integrate(density(two_modes), {1, 1, 0, 1}), std::invalid_argument);
  BOOST_CHECK_THROW(integrate(density(two_modes), {0, 1, 1, 0}), std::invalid_argument);
  BOOST_CHECK_THROW(integrate(density(two_modes), kBox, {}, {.cells = 0}), std::invalid_argument);
  BOOST_CHECK_THROW(integrate(density(two_modes), kBox, {.of = kSides.of, .count = 1}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(evaluate_grid(density(two_modes), kBox, 10, 0), std::invalid_argument);
  BOOST_CHECK_THROW(evaluate_grid(density(two_modes), {0, 1}, 10, 2), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_grid_tabulates_rows_from_below_and_gives_log_z_masses_and_edge_mass) {
  const Grid small =
      evaluate_grid(density([](double x, double y) { return x + 10 * y; }), {0, 3, 0, 2}, 3, 2);
  const std::vector<double> expected{5.5, 6.5, 7.5, 15.5, 16.5, 17.5};
  BOOST_TEST(small.values == expected, boost::test_tools::per_element());

  const Grid grid = evaluate_grid(density(two_modes), kBox, 300, 200);
  BOOST_TEST(std::abs(log_z(grid) - 3) < (kDouble ? 1e-12 : 1e-6));
  const auto masses = masses_on_grid(grid, kSides);
  BOOST_TEST(std::abs(masses[1] - 2.0 / 3) < 1e-6);
  BOOST_TEST(std::abs(masses[0] + masses[1] - 1) < 1e-12);
  const Grid flat = evaluate_grid(density([](double, double) { return 0; }), kBox, 100, 50);
  BOOST_TEST(std::abs(edge_mass(flat) - (1 - 0.96 * 0.96)) < 1e-12);
}
