#include "flows/base.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using namespace eqp;

namespace {

const double kTolerance = sizeof(Real) == 8 ? 1e-12 : 1e-5;

double log_normal(double x, double mean, double scale) {
  const double u = (x - mean) / scale;
  return -0.5 * u * u - std::log(scale) - 0.5 * std::log(2 * std::numbers::pi);
}

// Draws from the noise and their density.
std::vector<ad::Tensor> drawn(const flows::Base& base, const ad::Tensor& noise) {
  return ad::evaluate(
      [&](auto in) {
        const ad::Var z = base.draw(in[0]);
        return ad::Vars{z, base.log_prob(z)};
      },
      {noise});
}

void check(const flows::Base& base, const std::vector<double>& mean,
           const std::vector<double>& scale) {
  const std::size_t d = mean.size();
  const ad::Tensor noise = ad::normal({50, d}, {1, 0});
  const auto out = drawn(base, noise);
  BOOST_TEST(base.dim() == d);
  for (std::size_t i = 0; i < 50; ++i) {
    double log_prob = 0;
    for (std::size_t j = 0; j < d; ++j) {
      const double z = mean[j] + scale[j] * noise(i, j);
      BOOST_TEST(std::abs(out[0](i, j) - z) < kTolerance);
      log_prob += log_normal(z, mean[j], scale[j]);
    }
    BOOST_TEST(std::abs(out[1][i] - log_prob) < 2 * kTolerance);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base)

BOOST_AUTO_TEST_CASE(fixed_gaussians_draw_and_weigh_by_the_closed_form) {
  check(flows::standard_normal(3), {0, 0, 0}, {1, 1, 1});
  check(flows::standard_normal(2, 4.05), {0, 0}, {std::sqrt(4.05), std::sqrt(4.05)});
  check(flows::DiagonalGaussian({0.3, 2, 1}), {0, 0, 0}, {0.3, 2, 1});
  check(flows::DiagonalGaussian({0.3, 2, 1}, {1, -2, 0.5}), {1, -2, 0.5}, {0.3, 2, 1});
  check(flows::DiagonalGaussian({2, 2}, {1, -3}), {1, -3}, {2, 2});
}

BOOST_AUTO_TEST_CASE(the_trainable_gaussian_follows_its_parameters) {
  ad::Params params;
  const flows::TrainableGaussian g(params, "g", 2, 0.25);
  check(g, {0, 0}, {0.5, 0.5});
  BOOST_TEST(params.entries()[0].name == "g.mean");
  BOOST_TEST(params.entries()[1].name == "g.log_scale");
  std::ranges::copy(std::vector<Real>{1, -2, Real(0.5), -1}, params.mutate().begin());
  check(g, {1, -2}, {std::exp(0.5), std::exp(-1.0)});
}

BOOST_AUTO_TEST_CASE(the_likelihood_is_stationary_at_the_sample_mean_and_deviation) {
  ad::Params params;
  const flows::TrainableGaussian g(params, "g", 2);
  ad::Tensor x = ad::normal({200, 2}, {1, 0});
  for (std::size_t i = 0; i < 200; ++i) x(i, 1) = 3 * x(i, 1) + 1;
  const auto gradient = [&] {
    return ad::evaluate(
        [&](auto in) { return ad::Vars{ad::grad(mean(g.log_prob(in[0])), params)}; }, {x})[0];
  };
  const ad::Tensor before = gradient();
  for (Real v : before.flat()) BOOST_TEST(std::abs(v) > 0.001);
  for (std::size_t j = 0; j < 2; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < 200; ++i) {
      mean += x(i, j) / 200.0;
      square += double(x(i, j)) * x(i, j) / 200.0;
    }
    params.mutate()[j] = Real(mean);
    params.mutate()[2 + j] = Real(0.5 * std::log(square - mean * mean));
  }
  const ad::Tensor after = gradient();
  for (Real v : after.flat()) BOOST_TEST(std::abs(v) < kTolerance);
}

BOOST_AUTO_TEST_CASE(impossible_gaussians_are_refused) {
  ad::Params params;
  BOOST_CHECK_THROW(flows::DiagonalGaussian({}), std::invalid_argument);
  BOOST_CHECK_THROW(flows::standard_normal(0), std::invalid_argument);
  BOOST_CHECK_THROW(flows::TrainableGaussian(params, "g", 0), std::invalid_argument);
  BOOST_CHECK_THROW(flows::DiagonalGaussian({1, 1}, {0}), std::invalid_argument);
  for (double bad : {std::nan(""), HUGE_VAL}) {
    BOOST_CHECK_THROW(flows::DiagonalGaussian({1, 1}, {0, bad}), std::invalid_argument);
  }
  for (double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    BOOST_CHECK_THROW(flows::DiagonalGaussian({1, bad}), std::invalid_argument);
    BOOST_CHECK_THROW(flows::standard_normal(2, bad), std::invalid_argument);
    BOOST_CHECK_THROW(flows::TrainableGaussian(params, "g", 2, bad), std::invalid_argument);
  }
  BOOST_TEST(params.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
