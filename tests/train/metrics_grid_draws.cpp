#include "train/metrics/grid_draws.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace eqp;

namespace {

// An unnormalised Gaussian, wider along x, with a correlation: every sign and axis matters.
const train::LogDensity kGaussian = [](ad::ConstView x, std::span<double> log_p) {
  for (std::size_t i = 0; i < log_p.size(); ++i) {
    const double a = (x(i, 0) - 1) / 1.5, b = (x(i, 1) + 0.5) / 0.5;
    log_p[i] = 3 - (a * a - 2 * 0.6 * a * b + b * b) / (2 * (1 - 0.36));
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(draws_from_a_grid_have_the_moments_of_the_density) {
  const train::Grid grid = train::evaluate_grid(kGaussian, {-8, 10, -4, 3}, 300, 350);
  const std::size_t n = 40000;
  const ad::Tensor x = train::draw_from_grid(grid, n, {5, 1});
  double mx = 0, my = 0, vx = 0, vy = 0, cxy = 0;
  for (std::size_t i = 0; i < n; ++i) {
    mx += x(i, 0) / double(n);
    my += x(i, 1) / double(n);
  }
  for (std::size_t i = 0; i < n; ++i) {
    vx += (x(i, 0) - mx) * (x(i, 0) - mx) / double(n);
    vy += (x(i, 1) - my) * (x(i, 1) - my) / double(n);
    cxy += (x(i, 0) - mx) * (x(i, 1) - my) / double(n);
  }
  // Four standard errors; a uniform point in a cell adds its width^2 / 12, below a tenth of one.
  const double se = 1 / std::sqrt(double(n));
  BOOST_TEST(std::abs(mx - 1) < 4 * 1.5 * se);
  BOOST_TEST(std::abs(my + 0.5) < 4 * 0.5 * se);
  BOOST_TEST(std::abs(vx - 2.25) < 4 * 2.25 * std::sqrt(2) * se);
  BOOST_TEST(std::abs(vy - 0.25) < 4 * 0.25 * std::sqrt(2) * se);
  BOOST_TEST(std::abs(cxy - 0.45) < 4 * 0.75 * std::sqrt(1 + 0.36) * se);
}

BOOST_AUTO_TEST_CASE(a_draw_depends_on_its_row_and_the_key_alone) {
  const train::Grid grid = train::evaluate_grid(kGaussian, {-8, 10, -4, 3}, 60, 70);
  const ad::Tensor few = train::draw_from_grid(grid, 3, {5, 1});
  const ad::Tensor many = train::draw_from_grid(grid, 50, {5, 1});
  const ad::Tensor other = train::draw_from_grid(grid, 3, {6, 1});
  BOOST_TEST(std::ranges::equal(few.flat(), many.flat().first(6)));
  BOOST_TEST(!std::ranges::equal(few.flat(), other.flat()));
}

BOOST_AUTO_TEST_CASE(a_grid_without_a_finite_mass_cannot_be_drawn_from) {
  train::Grid grid = train::evaluate_grid(kGaussian, {-1, 1, -1, 1}, 4, 4);
  grid.values[3] = std::nan("");
  BOOST_CHECK_THROW(train::draw_from_grid(grid, 1, {1, 1}), std::invalid_argument);
  std::ranges::fill(grid.values, -INFINITY);
  BOOST_CHECK_THROW(train::draw_from_grid(grid, 1, {1, 1}), std::invalid_argument);
}
