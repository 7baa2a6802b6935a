#include <boost/test/unit_test.hpp>
#include <numbers>

#include "mcmc/targets/banana.hpp"
#include "mcmc/targets/funnel.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/targets/rings.hpp"
#include "tests/mcmc/plane.hpp"

namespace eqp::mcmc {
namespace {

constexpr bool kSingle = sizeof(Real) == 4;

Target two_modes() {
  return isotropic_mixture(
      {.weights = {1, 2}, .means = {{-1.5, -1.5}, {1.5, 1.5}}, .variances = {0.05, 0.1}});
}
Target four_modes() {
  return isotropic_mixture({.weights = {1, 2, 3, 4},
                            .means = {{-3, 0}, {-1, 0}, {1, 0}, {3, 0}},
                            .variances = {0.05, 0.05, 0.05, 0.05}});
}
// Correlated, asymmetric, with a component of weight 0.
Target tilted_mixture() {
  return gaussian_mixture(
      {.weights = {3, 0, 1},
       .means = {{1, -0.5}, {0, 0}, {-1, 1}},
       .covariances = {{0.5, 0.3, 0.3, 0.4}, {1, 0, 0, 1}, {0.1, -0.05, -0.05, 0.3}}});
}
Target correlated() {
  return gaussian(
      {.mean = {1, -2, 0.5}, .covariance = {2, 0.6, -0.4, 0.6, 1, 0.2, -0.4, 0.2, 0.5}});
}

// f32 keeps 7 digits of an energy, and of the terms of about 10 that cancel in a small one.
double tolerance(double value) { return (kSingle ? 4e-6 : 1e-13) * (10 + std::abs(value)); }

ad::Tensor points(const Target& t, std::size_t n) {
  ad::Tensor x({n, t.dim});
  t.sample(x, {7, 1}, 0);
  return x;
}
std::vector<double> row(const ad::Tensor& x, std::size_t i) {
  return {x.row(i).begin(), x.row(i).end()};
}
ad::Tensor energies(const Target& t, const ad::Tensor& x) {
  return ad::evaluate([&](std::span<const ad::Var> in) { return ad::Vars{t.energy(in[0])}; },
                      {x})[0];
}

struct Known {
  Target target;
  std::vector<double> x;
  double log_prob;
};

std::vector<Target> all() {
  return {correlated(),
          two_modes(),
          four_modes(),
          tilted_mixture(),
          eight_gaussians({.weights = {1, 2, 3, 4, 5, 6, 7, 8}}),
          rings({.weights = {1, 2, 3, 4}}),
          banana({.dim = 4}),
          funnel({.dim = 3, .variance = 0.5})};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(targets)

// Grenioux et al. 2023, section 4 and appendix C; the last two of Grenioux et al. 2023b, section 4.
BOOST_AUTO_TEST_CASE(log_densities_have_their_known_values) {
  const std::vector<Known> known{
      {two_modes(), {1.5, 1.5}, 0.0592429},
      {two_modes(), {-1.5, -1.5}, 0.0592429},
      {two_modes(), {0, 0}, -22.440757},
      {two_modes(), {1, 1.2}, -1.640757},
      {four_modes(), {-3, 0}, -1.1447299},
      {four_modes(), {3, 0}, 0.2415645},
      {four_modes(), {1, 0.3}, -0.9461176},
      {four_modes(), {0, 0}, -9.5352920},
      {eight_gaussians(), {1, 0}, -0.1230742},
      {eight_gaussians(), {0, 0}, -20.2658593},
      {eight_gaussians(), {0.7, 0.7}, -0.1253183},
      {eight_gaussians(), {0.9, 0.4}, -2.6914449},
      {rings(), {1, 0}, -2.2459900},
      {rings(), {0, 2.5}, -8.0246891},
      {rings(), {3, 0}, -3.3446026},
      {rings(), {2.4, 3.2}, -3.6322843},
      {banana({.dim = 4}), {5, 1, -3, 0.2}, -13.6161243},
      {banana({.dim = 16}), std::vector<double>(16), -49.1236973},
      {funnel({.dim = 4, .variance = 3}), {1, 0.5, -1, 2}, -6.8574105},
      {funnel({.dim = 16, .variance = 3}), std::vector<double>(16), -15.2523227},
      {funnel({.dim = 10}), std::vector<double>(10), -10.2879976207},
      {funnel({.dim = 10}), std::vector<double>(10, 1), -16.4990106615}};
  for (const auto& [target, x, expected] : known) {
    BOOST_TEST_CONTEXT(target.name) {
      BOOST_TEST(std::abs(target.log_prob(x) - expected) < 1e-6);
      ad::Tensor at({1, x.size()});
      std::ranges::transform(x, at.flat().begin(), [](double v) { return Real(v); });
      // Rounding the point to f32 moves the density by its gradient, up to 50 here.
      BOOST_TEST(std::abs(energies(target, at)[0] + expected) < (kSingle ? 1e-5 : 1e-6));
    }
  }
}

// |2 pi C|^-1/2 exp(-z^2/2 ...) written out for two dimensions.
BOOST_AUTO_TEST_CASE(a_correlated_gaussian_has_the_textbook_density) {
  const double sx = 1.3, sy = 0.4, rho = -0.7;
  const Target t =
      gaussian({.mean = {0.2, -1}, .covariance = {sx * sx, rho * sx * sy, rho * sx * sy, sy * sy}});
  for (const auto& [x, y] : {std::pair{0.0, 0.0}, {1.0, -2.0}, {-3.0, 0.5}}) {
    const double a = (x - 0.2) / sx, b = (y + 1) / sy;
    const double expected = -(a * a - 2 * rho * a * b + b * b) / (2 * (1 - rho * rho)) -
                            std::log(2 * std::numbers::pi * sx * sy * std::sqrt(1 - rho * rho));
    const double at[] = {x, y};
    BOOST_TEST(t.log_prob(at) == expected, boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(energies_are_minus_log_prob) {
  for (const Target& t : all()) {
    BOOST_TEST_CONTEXT(t.name) {
      ad::Tensor x = points(t, 200);
      // Also far out, where densities underflow.
      for (std::size_t i = 100; i < 200; ++i) {
        for (Real& v : x.row(i)) v *= Real(5);
      }
      const ad::Tensor u = energies(t, x);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const double expected = -t.log_prob(row(x, i));
        BOOST_TEST(std::abs(u[i] - expected) < tolerance(expected));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_of_energies_are_those_of_log_prob) {
  for (const Target& t : all()) {
    BOOST_TEST_CONTEXT(t.name) {
      const ad::Tensor x = points(t, 50);
      const ad::Tensor g = ad::evaluate(
          [&](std::span<const ad::Var> in) { return ad::Vars{grad(t.energy(in[0]), in[0])}; },
          {x})[0];
      for (std::size_t i = 0; i < x.rows(); ++i) {
        for (std::size_t j = 0; j < t.dim; ++j) {
          std::vector<double> left = row(x, i), right = left;
          left[j] -= 1e-5;
          right[j] += 1e-5;
          const double expected = (t.log_prob(left) - t.log_prob(right)) / 2e-5;
          BOOST_TEST(std::abs(g(i, j) - expected) <
                     (kSingle ? 2e-5 : 1e-7) * (10 + std::abs(expected)));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(densities_integrate_to_one_and_draws_follow_them) {
  const std::vector<std::pair<Target, double>> planes{
      {two_modes(), 3.5},
      {tilted_mixture(), 5},
      {eight_gaussians({.weights = {1, 2, 3, 4, 5, 6, 7, 8}}), 2},
      {rings({.weights = {1, 2, 3, 4}}), 5},
      {banana({.std = 1.5, .curvature = 0.3}), 20},
      {funnel({.dim = 2, .variance = 0.5}), 20}};
  for (std::uint32_t i = 0; i < planes.size(); ++i) {
    const auto& [target, half] = planes[i];
    BOOST_TEST_CONTEXT(target.name) {
      const PlaneCheck check = check_plane(target.log_prob, target.sample, half, {11, i});
      BOOST_TEST(std::abs(check.mass - 1) < 1e-5);
      BOOST_TEST(std::abs(check.chi_square) < 4);
      BOOST_TEST(std::abs(check.mean_log_prob + check.entropy) < 4 * check.log_prob_deviation);
    }
  }
}

BOOST_AUTO_TEST_CASE(draws_have_the_stated_mean_and_covariance) {
  constexpr std::size_t kDraws = 200000;
  for (const Target& t : all()) {
    BOOST_TEST_CONTEXT(t.name) {
      const ad::Tensor x = points(t, kDraws);
      for (std::size_t a = 0; a < t.dim; ++a) {
        double mean = 0;
        for (std::size_t i = 0; i < kDraws; ++i) mean += x(i, a) / double(kDraws);
        BOOST_TEST(std::abs(mean - t.mean[a]) <
                   4 * std::sqrt(t.covariance[a * t.dim + a] / kDraws));
        for (std::size_t b = 0; b <= a; ++b) {
          double product = 0, square = 0;
          for (std::size_t i = 0; i < kDraws; ++i) {
            const double v = (x(i, a) - t.mean[a]) * (x(i, b) - t.mean[b]);
            product += v / kDraws;
            square += v * v / kDraws;
          }
          const double error = std::sqrt((square - product * product) / kDraws);
          BOOST_TEST(std::abs(product - t.covariance[a * t.dim + b]) < 4 * error);
          BOOST_TEST(t.covariance[a * t.dim + b] == t.covariance[b * t.dim + a]);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(known_moments_are_exact) {
  // 0.5 per axis and 1/3 0.05 + 2/3 0.1 + (2/3 1/3) 3^2
  BOOST_TEST(two_modes().mean[0] == 0.5, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(two_modes().covariance[3] == 25.0 / 12, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(four_modes().covariance[0] == 4.05, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(eight_gaussians().covariance[0] == 0.5225, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(rings().covariance[0] == 3.76125, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(funnel().covariance[11] == std::exp(4.5), boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_row_of_draws_depends_on_its_chain_only) {
  for (const Target& t : all()) {
    BOOST_TEST_CONTEXT(t.name) {
      ad::Tensor whole({9, t.dim}), parts({9, t.dim}), other({9, t.dim});
      t.sample(whole, {3, 0}, 100);
      t.sample(parts.view().slice(0, 4), {3, 0}, 100);
      t.sample(parts.view().slice(4, 5), {3, 0}, 104);
      t.sample(other, {3, 1}, 100);
      BOOST_TEST(whole.flat() == parts.flat(), boost::test_tools::per_element());
      BOOST_TEST(!std::ranges::equal(whole.flat(), other.flat()));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_rings_are_finite_at_the_origin) {
  const auto at_origin = [](bool gradient) {
    return ad::evaluate(
        [&](std::span<const ad::Var> in) {
          const ad::Var u = rings().energy(in[0]);
          return ad::Vars{gradient ? grad(u, in[0]) : u};
        },
        {ad::Tensor({1, 2})})[0];
  };
  BOOST_TEST(std::isfinite(at_origin(false)[0]));
  BOOST_TEST(at_origin(true)[0] == 0);
  const double origin[] = {0, 0};
  BOOST_TEST(std::abs(at_origin(false)[0] + rings().log_prob(origin)) < 1e-4);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::mcmc
