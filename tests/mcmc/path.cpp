#include "mcmc/path.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/non_finite.hpp"
#include "mcmc/metropolis.hpp"
#include "tests/mcmc/annealing.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;

namespace {

constexpr double kTolerance = sizeof(Real) == 4 ? 2e-5 : 1e-12;

/// The Gaussian path's energies, by hand.
double base_energy(std::span<const Real> x) {
  double u = 1.5 * std::log(2 * std::numbers::pi * 2.25);
  for (const double v : x) u += v * v / 4.5;
  return u;
}
double target_energy(const GaussianPath& g, std::span<const Real> x) {
  double u = 0;
  for (const double v : x) u += (v - g.m) * (v - g.m) / (2 * g.s * g.s);
  return u;
}

/// The same path as a function of b that nobody knows to be linear.
Path unknown(const Path& path) { return {.base = path.base, .energy = path.energy}; }

bool close(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b,
                            [](double v, double w) { return std::abs(v - w) < 30 * kTolerance; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(paths)

BOOST_AUTO_TEST_CASE(one_program_serves_all_temperatures) {
  const GaussianPath gaussian;
  const ad::Tensor x = ad::normal({6, 3}, {.seed = 1});
  Energy energy;
  {
    Temperature gone(gaussian.path());
    energy = gone.energy();
  }
  BOOST_CHECK_NO_THROW(value(energy, 3).workspace(6).run());  // it keeps its own b alive
  Temperature temperature(gaussian.path());
  ad::Workspace at = value_and_grad(temperature.energy(), 3).workspace(6);
  for (const double b : {0.0, 0.25, 0.7, 1.0}) {
    temperature.set(b);
    evaluate(at, x);
    for (std::size_t i = 0; i < 6; ++i) {
      const double u = (1 - b) * base_energy(x.row(i)) + b * target_energy(gaussian, x.row(i));
      BOOST_TEST(std::abs(at.out(0)[i] - u) < kTolerance * (1 + u), "b = " << b);
      const double slope = (1 - b) * x(i, 1) / 2.25 + b * (x(i, 1) - 0.5) / 0.81;
      BOOST_TEST(std::abs(at.out(1)(i, 1) - slope) < 10 * kTolerance, "b = " << b);
    }
  }
}

BOOST_AUTO_TEST_CASE(increments_are_differences_of_energies) {
  const GaussianPath gaussian;
  const std::size_t n = 300;
  PathWeights linear(gaussian.path(), n), general(unknown(gaussian.path()), n);
  const ad::Tensor x = linear.draw({.seed = 2});
  linear.at(x);
  general.at(x);
  for (const double v : linear.from_base()) BOOST_TEST(v == 0);
  for (const auto& [from, to] : {std::pair(0.0, 0.1), {0.1, 0.35}, {0.0, 1.0}, {0.9, 0.2}}) {
    const std::vector<double> gained = linear.increments(from, to);
    BOOST_TEST(close(gained, general.increments(from, to)));
    for (std::size_t i = 0; i < n; ++i) {
      const double exact =
          (to - from) * (base_energy(x.row(i)) - target_energy(gaussian, x.row(i)));
      BOOST_TEST(std::abs(gained[i] - exact) < 30 * kTolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(draws_are_the_bases) {
  const GaussianPath gaussian;
  const ad::Tensor x = PathWeights(gaussian.path(), 4000).draw({.seed = 3});
  double mean = 0, square = 0;
  for (const double v : x.flat()) {
    mean += v / 12000;
    square += v * v / 12000;
  }
  BOOST_TEST(std::abs(mean) < 4 * 1.5 / std::sqrt(12000.0));
  BOOST_TEST(std::abs(square - 2.25) < 4 * 2.25 * std::sqrt(2 / 12000.0));
}

BOOST_AUTO_TEST_CASE(a_tempered_factor_multiplies_the_base) {
  // A Gaussian prior times exp(-b (y - x)^2 / 2): at b = 1, U = -log q + V.
  const Proposal prior = gaussian_proposal({0.5}, {2});
  const Path path = tempered_path(prior, [](ad::Var x) { return 0.5 * sum(square(x - 1), 1); });
  Temperature temperature(path);
  ad::Workspace at = value(temperature.energy(), 1).workspace(1);
  ad::Tensor x({1, 1});
  x[0] = -1;
  temperature.set(0.5);
  evaluate(at, x);
  BOOST_TEST(std::abs(at.out(0)[0] - (0.28125 + std::log(2) + 0.5 * std::log(2 * std::numbers::pi) +
                                      0.5 * 2)) < 10 * kTolerance);
  PathWeights weights(path, 1);
  weights.at(x);
  BOOST_TEST(std::abs(weights.increments(0.25, 0.5)[0] + 0.25 * 2) < 10 * kTolerance);
}

BOOST_AUTO_TEST_CASE(a_path_that_does_not_begin_at_the_base_is_weighted) {
  // U_b = |x|^2 / 2 (1 + b), of which U_0 is not -log q.
  const Path path{.base = gaussian_proposal({0}, {2}),
                  .energy = [](ad::Var x, ad::Var b) { return 0.5 * (1 + b) * sum(square(x), 1); }};
  PathWeights weights(path, 1);
  ad::Tensor x({1, 1});
  x[0] = 3;
  weights.at(x);
  const double log_q = -9.0 / 8 - std::log(2 * std::sqrt(2 * std::numbers::pi));
  BOOST_TEST(std::abs(weights.from_base()[0] - (-4.5 - log_q)) < 10 * kTolerance);
}

BOOST_AUTO_TEST_CASE(increments_have_the_same_bits_on_any_number_of_threads) {
  const auto on = [](std::size_t threads) {
    return ad::with_threads(threads, [] {
      PathWeights weights(mixture_path(), 1000);
      weights.at(weights.draw({.seed = 4}));
      return weights.increments(0.2, 0.7);
    });
  };
  BOOST_TEST(on(1) == on(2));
  BOOST_TEST(on(1) == on(4));
}

BOOST_AUTO_TEST_CASE(energies_that_are_not_finite_are_named) {
  const Path path =
      geometric_path(gaussian_proposal({0}, {1}), [](ad::Var x) { return sum(log(x), 1); });
  PathWeights weights(path, 3);
  ad::Tensor x({3, 1});
  x[0] = x[1] = 1;
  x[2] = -1;
  weights.at(x);
  BOOST_CHECK_EXCEPTION(weights.increments(0, 0.5), ad::NonFinite, [](const ad::NonFinite& e) {
    BOOST_TEST_MESSAGE(e.what());
    return std::string(e.what()).find("particle 2") != std::string::npos;
  });
  BOOST_CHECK_THROW(weights.at(ad::Tensor({2, 1})), std::invalid_argument);
  BOOST_CHECK_THROW(PathWeights(path, 0), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(temperatures_are_checked_and_refined) {
  BOOST_TEST(
      (refined(std::vector<double>{0, 0.5, 1}, 2) == std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  BOOST_TEST(even_temperatures(4).size() == 5u);
  BOOST_TEST((stretched(std::vector{1.0, 2.0}, 2) == std::vector{1.0, 1.0, 2.0, 2.0}));
  for (const std::vector<double>& bad : {std::vector<double>{},
                                         {0},
                                         {0.1, 1},
                                         {0, 0.9},
                                         {0, 0.5, 0.5, 1},
                                         {0, 0.6, 0.5, 1},
                                         {0, std::nan(""), 1}}) {
    BOOST_CHECK_THROW(check_temperatures("test", bad), std::invalid_argument);
  }
  BOOST_CHECK_THROW(even_temperatures(0), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
