#include "train/energy_discrepancy.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/message.hpp"
#include "tests/train/skewed.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// Of N(0, v) and U = a x^2 / 2 in one dimension, for infinitely many samples and w = 0:
// E[U(x)] - E[U_t(y)], U_t(y) = log(1 + a t) / 2 + a y^2 / (2 (1 + a t)).
double of_gaussian(double a, double v, double t) {
  return a * v / 2 - std::log1p(a * t) / 2 - a * (v + t) / (2 * (1 + a * t));
}

// How far the logarithm of a mean of M ratios is below, to first order: the mean over y of the
// squared relative deviation of exp(-U(y + sqrt(t) e)), over 2 M.
double bias(double a, double v, double t, double m) {
  const double b = a / (1 + a * t) - a / (1 + 2 * a * t);
  const double second = (1 + a * t) / std::sqrt(1 + 2 * a * t) / std::sqrt(1 - 2 * b * (v + t));
  return -(second - 1) / (2 * m);
}

Objective discrepancy(mcmc::Energy energy, DataSource data, std::size_t batch,
                      EnergyDiscrepancyOptions o) {
  o.dim = 1, o.batch = batch, o.key = {5};
  return energy_discrepancy(std::move(energy), std::move(data), o);
}

// With one perturbed point at distance sqrt(2 t) e: log(w + exp(U(x) - U(x + sqrt(2 t) e))).
double with_one_sample(double a, double theta, double t, double w) {
  const Skewed model{a, theta};
  return Skewed::mean([&](double x) {
    const int n = 200;
    const double u = model.at(x).u, h = 16. / n;
    double sum = 0;
    for (int i = 0; i <= n; ++i) {
      const double e = -8 + i * h;
      sum += std::exp(-e * e / 2) / std::sqrt(2 * std::numbers::pi) * h *
             std::log(w + std::exp(u - model.at(x + std::sqrt(2 * t) * e).u));
    }
    return sum;
  });
}

}  // namespace

// Whatever t, the minimum is the data's precision; for small t it is t times the loss of score
// matching, a^2 v / 2 - a.
BOOST_AUTO_TEST_CASE(the_discrepancy_of_a_gaussian_is_the_known_one) {
  const double v = 0.5, m = 400;
  BOOST_TEST(of_gaussian(1.3, v, 1e-6) / 1e-6 == 1.3 * 1.3 * v / 2 - 1.3,
             boost::test_tools::tolerance(1e-5));
  for (const double t : {0.05, 0.5, 2.0}) {
    for (const double a : {1 / v, 0.7}) {
      ad::Params params;
      const Objective objective =
          discrepancy(quadratic(scalar(params, "a", a)), gaussian_data({0}, v, {1}), 200,
                      {.time = t, .samples = std::size_t(m), .stabilisation = 0});
      const AtRest found = at_rest(params, objective, 200);
      const double h = 1e-5;
      const auto slope = [=](const auto& f) { return (f(a + h) - f(a - h)) / (2 * h); };
      const double exact = slope([=](double b) { return of_gaussian(b, v, t); });
      const double shift = slope([=](double b) { return bias(b, v, t, m); });
      if (a == 1 / v) BOOST_TEST(std::abs(exact) < 1e-8);
      BOOST_TEST_CONTEXT("t " << t << ", a " << a) {
        // A tenth of the first order is left for the second.
        const double loss = of_gaussian(a, v, t) + bias(a, v, t, m);
        BOOST_TEST(std::abs(found.loss.value() - loss) <
                   4 * found.loss.error() + 0.1 * std::abs(bias(a, v, t, m)));
        BOOST_TEST(std::abs(found.gradient[0].value() - exact - shift) <
                   4 * found.gradient[0].error() + 0.1 * std::abs(shift));
        BOOST_TEST(found.gradient[0].error() < 0.01);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_discrepancy_of_a_skewed_law_agrees_with_quadrature) {
  for (const double w : {1.0, 0.25}) {
    for (const Skewed at : {Skewed{}, Skewed{1.4, 0.5}}) {
      const double t = 0.3;
      SkewedModel m(at);
      const AtRest found = at_rest(m.params,
                                   discrepancy(m.energy(), skewed_data({3}), 1000,
                                               {.time = t, .samples = 1, .stabilisation = w}),
                                   400);
      const auto loss = [=](double a, double theta) { return with_one_sample(a, theta, t, w); };
      BOOST_TEST(found.loss.off(loss(at.a, at.theta)) < 4);
      const auto gradient = slopes(loss, at.a, at.theta);
      for (std::size_t j = 0; j < 2; ++j) {
        BOOST_TEST(found.gradient[j].off(gradient[j]) < 4);
        BOOST_TEST(found.gradient[j].error() < 0.01);
      }
    }
  }
}

// Many samples of a law without symmetry: no gradient at the data, and a large one elsewhere. The
// bias is about that of a Gaussian, 1 / M.
BOOST_AUTO_TEST_CASE(the_discrepancy_is_stationary_at_the_data) {
  const double m = 256;
  const auto gradient = [&](const Skewed& at) {
    SkewedModel model(at);
    return at_rest(model.params,
                   discrepancy(model.energy(), skewed_data({3}), 100,
                               {.time = 0.5, .samples = std::size_t(m), .stabilisation = 0}),
                   60)
        .gradient;
  };
  for (const Mean& g : gradient({})) {
    BOOST_TEST(std::abs(g.value()) < 4 * g.error() + 1 / m);
    BOOST_TEST(g.error() < 0.01);
  }
  BOOST_TEST(std::abs(gradient({1.5, Skewed::kTheta})[0].value()) > 0.02);
  BOOST_TEST(std::abs(gradient({1, Skewed::kTheta + 1})[1].value()) > 0.02);
}

BOOST_AUTO_TEST_CASE(the_discrepancy_of_a_row_is_that_of_the_paper) {
  const double t = 0.25, w = 0.7, a = 1.7;
  ad::Params params;
  const Objective objective =
      energy_discrepancy(quadratic(scalar(params, "a", a)), {},
                         {.dim = 2, .time = t, .samples = 2, .stabilisation = w});
  std::vector<ad::Tensor> in{ad::Tensor({1, 2}), ad::Tensor({1, 3, 2})};
  const double x[] = {1, 0.2}, noise[] = {0.4, -1, 0.1, 0.3, -2, 0.5};
  std::ranges::copy(x, in[0].flat().begin());
  std::ranges::copy(noise, in[1].flat().begin());
  const auto u = [=](double p, double q) { return a * (p * p + q * q) / 2; };
  double sum = w;
  for (int j = 1; j <= 2; ++j) {
    sum += std::exp(u(x[0], x[1]) - u(x[0] + 0.5 * (noise[0] + noise[2 * j]),
                                      x[1] + 0.5 * (noise[1] + noise[2 * j + 1])));
  }
  const double found = ad::evaluate(
      [&](std::span<const ad::Var> v) -> ad::Vars { return {objective.loss(v)}; }, in)[0][0];
  BOOST_TEST(found == std::log(sum / 2),
             boost::test_tools::tolerance(sizeof(Real) == 4 ? 1e-5 : 1e-12));
}

BOOST_AUTO_TEST_CASE(settings_of_the_discrepancy_that_mean_nothing_are_refused) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", 1));
  const auto with = [&](EnergyDiscrepancyOptions o) {
    o.dim = 2;
    return test::refusal([&] { energy_discrepancy(energy, {}, o); });
  };
  BOOST_TEST(with({.time = 0}) == "energy_discrepancy: time 0.000000: need above 0");
  BOOST_TEST(with({.samples = 0}) == "energy_discrepancy: samples 0.000000: need at least 1");
  BOOST_TEST(with({.stabilisation = -1}) ==
             "energy_discrepancy: stabilisation -1.000000: need at least 0");
}
