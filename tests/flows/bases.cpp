#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "flows/full_gaussian.hpp"
#include "flows/mixture.hpp"
#include "flows/uniform.hpp"

using namespace eqp;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;
constexpr double kTolerance = kDouble ? 1e-12 : 2e-5;
const double kLog2Pi = std::log(2 * std::numbers::pi);

ad::Tensor draws(const flows::Base& base, std::size_t n) {
  return ad::evaluate([&](auto in) { return ad::Vars{base.draw(in[0])}; },
                      {ad::normal({n, base.noise_dim()}, {1, 0})})[0];
}

ad::Tensor log_prob(const flows::Base& base, const ad::Tensor& x) {
  return ad::evaluate([&](auto in) { return ad::Vars{base.log_prob(in[0])}; }, {x})[0];
}

// The mean of f over the draws lies within 4 standard errors of what it should be.
template <class F>
void check_mean(const ad::Tensor& x, double expected, F f) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double v = f(x.row(i));
    sum += v;
    squares += v * v;
  }
  const double n = double(x.rows()), mean = sum / n;
  const double error = std::sqrt((squares / n - mean * mean) / n);
  BOOST_TEST(std::abs(mean - expected) < 4 * error, mean << " for " << expected << ", " << error);
}

const std::vector<double> kMean{1, -2}, kCovariance{2, -0.6, -0.6, 0.5};
// Its inverse: the determinant is 0.64.
const std::vector<double> kPrecision{0.5 / 0.64, 0.6 / 0.64, 0.6 / 0.64, 2 / 0.64};

double gaussian(double x, double y) {
  const double u = x - 1, v = y + 2;
  const double square = kPrecision[0] * u * u + 2 * kPrecision[1] * u * v + kPrecision[3] * v * v;
  return -0.5 * square - kLog2Pi - 0.5 * std::log(0.64);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bases)

BOOST_AUTO_TEST_CASE(a_full_gaussian_has_its_density_and_moments_by_covariance_or_precision) {
  for (const auto& base : {flows::FullGaussian(kMean, kCovariance),
                           flows::FullGaussian::with_precision(kMean, kPrecision)}) {
    const ad::Tensor x = draws(base, 20000), l = log_prob(base, x);
    for (std::size_t i = 0; i < 100; ++i) {
      const double expected = gaussian(double(x(i, 0)), double(x(i, 1)));
      BOOST_TEST(std::abs(double(l[i]) - expected) < 20 * kTolerance);
    }
    check_mean(x, 1, [](auto r) { return double(r[0]); });
    check_mean(x, -2, [](auto r) { return double(r[1]); });
    check_mean(x, 2, [](auto r) { return std::pow(double(r[0]) - 1, 2); });
    check_mean(x, -0.6, [](auto r) { return (double(r[0]) - 1) * (double(r[1]) + 2); });
    check_mean(x, 0.5, [](auto r) { return std::pow(double(r[1]) + 2, 2); });
  }
}

BOOST_AUTO_TEST_CASE(the_lattice_gaussian_is_its_quadratic_form) {
  // beta (a N sum (x_{i+1} - x_i)^2 / 2 + sum x_i^2 / (2 a N)) with both ends at 0.
  const flows::FullGaussian base = flows::lattice_gaussian({.sites = 8});
  const ad::Tensor x = draws(base, 4), l = log_prob(base, x);
  const auto energy = [&](std::size_t i) {
    constexpr double c = 0.1 * 8;
    double u = 0;
    for (std::size_t j = 0; j <= 8; ++j) {
      const double left = j == 0 ? 0 : double(x(i, j - 1)), right = j == 8 ? 0 : double(x(i, j));
      u += c * std::pow(right - left, 2) / 2 + (j < 8 ? right * right / (2 * c) : 0);
    }
    return 20 * u;
  };
  for (std::size_t i = 1; i < 4; ++i) {
    const double expected = energy(0) - energy(i);
    BOOST_TEST(std::abs(double(l[i] - l[0]) - expected) < 50 * kTolerance);
  }
  // log det of 20 tridiag(-c, 2 c + 1 / c, -c) by the recurrence of tridiagonal determinants.
  constexpr double c = 0.8, diagonal = 20 * (2 * c + 1 / c), side = 20 * c;
  double before = 1, det = diagonal;
  for (int i = 1; i < 8; ++i) {
    const double next = diagonal * det - side * side * before;
    before = det;
    det = next;
  }
  const double expected = -energy(0) - 4 * kLog2Pi + 0.5 * std::log(det);
  BOOST_TEST(std::abs(double(l[0]) - expected) < 50 * kTolerance);
}

BOOST_AUTO_TEST_CASE(a_mixture_has_its_density_and_draws_follow_it) {
  ad::Params params;
  const flows::TrainableMixture base(params, "m", 2, {.components = 3}, {1, 0});
  const double mean[3][2] = {{-3, 0}, {1, 2}, {4, -1}}, scale[3][2] = {{1, 0.5}, {0.3, 2}, {1, 1}};
  const double weight[3] = {0.2, 0.5, 0.3};
  const auto values = params.mutate();
  for (const auto& e : params.entries()) {
    for (std::size_t i = 0; i < e.shape.size(); ++i) {
      Real& v = values[e.offset + i];
      if (e.name == "m.mean") v = Real(mean[i / 2][i % 2]);
      if (e.name == "m.log_scale") v = Real(std::log(scale[i / 2][i % 2]));
      if (e.name == "m.logit") v = Real(7 + std::log(weight[i]));
    }
  }
  const ad::Tensor x = draws(base, 20000), l = log_prob(base, x);
  for (std::size_t i = 0; i < 100; ++i) {
    double p = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      double q = weight[k] / (2 * std::numbers::pi * scale[k][0] * scale[k][1]);
      for (std::size_t j = 0; j < 2; ++j) {
        q *= std::exp(-0.5 * std::pow((double(x(i, j)) - mean[k][j]) / scale[k][j], 2));
      }
      p += q;
    }
    BOOST_TEST(std::abs(double(l[i]) - std::log(p)) < 20 * kTolerance);
  }
  check_mean(x, -0.6 + 0.5 + 1.2, [](auto r) { return double(r[0]); });
  check_mean(x, 1 - 0.3, [](auto r) { return double(r[1]); });
  check_mean(x, 0.2 * 10 + 0.5 * 1.09 + 0.3 * 17, [](auto r) { return std::pow(double(r[0]), 2); });
  check_mean(x, 0.5 * 2 - 0.3 * 4, [](auto r) { return double(r[0]) * double(r[1]); });
}

BOOST_AUTO_TEST_CASE(a_mixture_of_one_is_a_gaussian_and_all_its_parameters_but_the_weight_move) {
  ad::Params params;
  const flows::TrainableMixture base(params, "m", 2, {.components = 1}, {1, 0});
  const ad::Tensor x = draws(base, 5);
  const auto out = ad::evaluate(
      [&](auto in) { return ad::Vars{ad::grad(base.log_prob(in[0]), params)}; }, {x})[0];
  for (const auto& e : params.entries()) {
    for (std::size_t i = 0; i < e.shape.size(); ++i) {
      BOOST_TEST((std::abs(double(out[e.offset + i])) < 1e-6) == (e.name == "m.logit"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_uniform_box_is_flat_and_ends) {
  const flows::UniformBox box({-1, 2}, {1, 6});
  const ad::Tensor x = draws(box, 20000), l = log_prob(box, x);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    BOOST_REQUIRE(std::abs(double(l[i]) + std::log(8.0)) < kTolerance);
  }
  check_mean(x, 0, [](auto r) { return double(r[0]); });
  check_mean(x, 1. / 3, [](auto r) { return double(r[0]) * double(r[0]); });
  check_mean(x, 4, [](auto r) { return double(r[1]); });
  check_mean(x, 0, [](auto r) { return double(r[0]) * (double(r[1]) - 4); });
  ad::Tensor beyond({1, 2});
  beyond[0] = 0, beyond[1] = Real(6.1);
  BOOST_TEST(double(log_prob(box, beyond)[0]) == -std::numeric_limits<double>::infinity());
  const flows::UniformBox torus({-1, 2}, {1, 6}, flows::Outside::periodic);
  BOOST_TEST(std::abs(double(log_prob(torus, beyond)[0]) + std::log(8.0)) < kTolerance);
}

BOOST_AUTO_TEST_CASE(impossible_bases_are_refused) {
  using flows::FullGaussian;
  ad::Params params;
  BOOST_CHECK_THROW(FullGaussian({0, 0}, std::vector<double>{1, 2, 2, 1}), std::invalid_argument);
  BOOST_CHECK_THROW(FullGaussian({0, std::nan("")}, std::vector<double>{1, 0, 0, 1}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(FullGaussian::with_precision({0}, std::vector<double>{1, 0}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(flows::lattice_gaussian({.sites = 0}), std::invalid_argument);
  BOOST_CHECK_THROW(flows::lattice_gaussian({.a = -1}), std::invalid_argument);
  BOOST_CHECK_THROW(flows::UniformBox({0}, {0}), std::invalid_argument);
  BOOST_CHECK_THROW(flows::UniformBox({0}, {1, 2}), std::invalid_argument);
  BOOST_CHECK_THROW(flows::TrainableMixture(params, "m", 2, {.components = 0}, ad::Key{}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(flows::TrainableMixture(params, "m", 2, {.scale = 0}, ad::Key{}),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
