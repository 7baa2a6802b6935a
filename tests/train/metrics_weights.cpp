#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autodiff/random.hpp"
#include "train/metrics/density_error.hpp"
#include "train/metrics/mode_weights.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

const Modes kOctants{
    .of = [](std::span<const Real> x) -> std::size_t { return (x[0] > 0) + 2 * (x[1] > 1); },
    .count = 4};

}  // namespace

BOOST_AUTO_TEST_CASE(mode_counts_leave_out_rows_that_are_not_finite) {
  ad::Tensor x({5, 2});
  const double rows[5][2] = {{-1, 0}, {1, 0}, {1, 2}, {1, 5}, {std::nan(""), 2}};
  for (std::size_t i = 0; i < 10; ++i) x[i] = static_cast<Real>(rows[i / 2][i % 2]);
  const std::vector<std::size_t> expected{1, 1, 0, 2};
  BOOST_TEST(mode_counts(x, kOctants) == expected, boost::test_tools::per_element());
  BOOST_CHECK_THROW(mode_counts(x, {.of = kOctants.of, .count = 3}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(mode_weight_error_of_four_modes_by_hand) {
  const std::vector<double> exact{0.1, 0.2, 0.3, 0.4};
  const std::vector<std::size_t> counts{20, 20, 30, 20};  // 10 of 100 are lost
  const auto [error, floor, max_z] = weight_error(counts, 100, exact);
  BOOST_TEST(error.mse == (0.01 + 0.04) / 4, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(error.rmse == std::sqrt(0.0125), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(error.max_abs == 0.2, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(floor == 0.175 / 100, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(max_z == 0.2 / std::sqrt(0.4 * 0.6 / 100), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(weight_error(std::vector<double>{0.2, 0.2, 0.3, 0.2}, exact).mse == error.mse);
}

BOOST_AUTO_TEST_CASE(mode_weight_error_of_exact_samples_is_at_its_floor) {
  const std::vector<double> exact{0.05, 0.25, 0.7};
  const std::size_t samples = 500, repetitions = 2000;
  double mean = 0, squares = 0;
  for (std::size_t r = 0; r < repetitions; ++r) {
    ad::Draws draws({7, 0}, static_cast<std::uint32_t>(r));
    std::vector<std::size_t> counts(3);
    for (std::size_t i = 0; i < samples; ++i) {
      const double u = draws.uniform();
      ++counts[u < 0.05 ? 0 : u < 0.3 ? 1 : 2];
    }
    const double mse = weight_error(counts, samples, exact).error.mse;
    mean += mse / repetitions;
    squares += mse * mse / repetitions;
  }
  const double standard_error = std::sqrt((squares - mean * mean) / repetitions);
  BOOST_TEST(std::abs(mean - weight_error_floor(exact, samples)) < 4 * standard_error);
}

BOOST_AUTO_TEST_CASE(mode_weight_error_shows_impossible_modes_and_nan) {
  const std::vector<double> exact{1, 0};
  BOOST_TEST(weight_error(std::vector<std::size_t>{9, 1}, 10, exact).max_z ==
             std::numeric_limits<double>::infinity());
  BOOST_TEST(weight_error(std::vector<std::size_t>{10, 0}, 10, exact).max_z == 0);
  BOOST_TEST(std::isnan(weight_error(std::vector<double>{std::nan(""), 1}, exact).max_abs));
  BOOST_CHECK_THROW(weight_error(std::vector<double>{1}, exact), std::invalid_argument);
  BOOST_CHECK_THROW(weight_error(std::vector<double>{1, 0}, std::vector<double>{1, 1}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(weight_error(std::vector<double>{1, 0}, std::vector<double>{2, -1}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(weight_error(std::vector<std::size_t>{9, 2}, 10, exact), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(density_error_of_four_points_by_hand) {
  const std::vector<double> truth{-1, -2, -3, -4},
      model{1, -1, -2, -5};  // log Z = 1: truth - model -1 0 0 2
  const auto [median_squared, kl, standard_error] = density_error(model, 1, truth);
  BOOST_TEST(median_squared == 0.5);  // of 0 0 1 4
  BOOST_TEST(kl == 0.25);
  BOOST_TEST(standard_error == std::sqrt(4.75 / 3 / 4), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(
      density_error(std::span(model).first(3), 1, std::span(truth).first(3)).median_squared == 0);
}

// KL(N(0, 1) || N(m, s^2)) = log s + (1 + m^2) / (2 s^2) - 1/2
BOOST_AUTO_TEST_CASE(density_error_estimates_the_kl_divergence_of_gaussians) {
  const std::size_t n = 20'000;
  const double m = 0.4, s = 1.5, constant = std::log(2 * std::numbers::pi) / 2;
  ad::Draws draws({11, 3});
  std::vector<double> truth(n), model(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double x = draws.normal();
    truth[i] = -x * x / 2 - constant;
    model[i] = -(x - m) * (x - m) / (2 * s * s) + 7;
  }
  const auto e = density_error(model, 7 + std::log(s) + constant, truth);
  BOOST_TEST(std::abs(e.kl - (std::log(s) + (1 + m * m) / (2 * s * s) - 0.5)) <
             4 * e.kl_standard_error);
  BOOST_TEST(e.kl_standard_error < 0.01);
}

BOOST_AUTO_TEST_CASE(density_error_shows_nan_and_missing_mass) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> truth{-1, -2, -3};
  BOOST_TEST(std::isnan(
      density_error(std::vector<double>{-1, std::nan(""), -3}, 0, truth).median_squared));
  BOOST_TEST(density_error(std::vector<double>{-1, -infinity, -3}, 0, truth).kl == infinity);
  BOOST_TEST(density_error(std::vector<double>{-1, -infinity, -3}, 0, truth).median_squared == 0);
  BOOST_CHECK_THROW(density_error(std::vector<double>{-1}, 0, truth), std::invalid_argument);
  BOOST_CHECK_THROW(density_error({}, 0, {}), std::invalid_argument);
}
