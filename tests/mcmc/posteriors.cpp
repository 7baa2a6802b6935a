#include <boost/test/unit_test.hpp>
#include <cmath>

#include "mcmc/starts.hpp"
#include "mcmc/targets/posteriors/posterior.hpp"
#include "tests/mcmc/posterior_formulas.hpp"

namespace eqp::mcmc {
namespace {

using test::Point;

constexpr bool kSingle = sizeof(Real) == 4;

struct Known {
  Posterior posterior;
  std::function<double(Point)> log_prob;
  std::vector<double> typical;  // a point that the data make likely, to look around
};

std::vector<Known> all() {
  const auto make = [](const char* name) { return make_posterior(name, test::kPosteriorData); };
  return {{make("eight_schools_centered"),
           [](Point x) { return test::eight_schools(x, true); },
           {6, 5, 4, 5, 4, 4, 6, 5, 4, 1}},
          {make("eight_schools_noncentered"),
           [](Point x) { return test::eight_schools(x, false); },
           {0, 0, 0, 0, 0, 0, 0, 0, 4, 1}},
          {make("kidscore_momiq"), test::kidscore, {26, 0.6, 2.9}},
          {make("arK"), test::autoregression, {0, 0.7, 0.4, 0.1, 0, -0.3, -1.9}},
          {make("blr"), test::blr, {1, 1, 1, 1, 1, 0.04}},
          {make("german_credit"), test::german_credit, std::vector<double>(25, 0.1)}};
}

// Rows around the typical point, at distances up to 1, and Stan's starts.
ad::Tensor points(const Known& known) {
  constexpr std::size_t kRows = 12;
  ad::Tensor x = find_starts(known.posterior.energy, known.posterior.dim(), kRows, {5, 1});
  for (std::size_t i = 0; i < kRows / 2; ++i) {
    for (std::size_t j = 0; j < x.cols(); ++j) {
      x(i, j) = Real(known.typical[j] + 0.1 * double(i) * double(x(i, j)));
    }
  }
  return x;
}

ad::Tensor evaluated(const Posterior& p, const ad::Tensor& x, bool gradient) {
  return ad::evaluate(
      [&](std::span<const ad::Var> in) {
        const ad::Var u = p.energy(in[0]);
        return ad::Vars{gradient ? grad(u, in[0]) : u};
      },
      {x})[0];
}

std::vector<double> row(const ad::Tensor& x, std::size_t i) {
  return {x.row(i).begin(), x.row(i).end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(posteriors)

BOOST_AUTO_TEST_CASE(energies_are_minus_the_log_density_of_data_and_parameters) {
  for (const Known& known : all()) {
    BOOST_TEST_CONTEXT(known.posterior.name) {
      const ad::Tensor x = points(known), u = evaluated(known.posterior, x, false);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const double expected = -known.log_prob(row(x, i));
        // In f32 a residual has the rounding of predictions a thousand times as large.
        BOOST_TEST(std::abs(u[i] - expected) <
                   (kSingle ? 2e-4 : 1e-10) * (10 + std::abs(expected)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_those_of_the_log_density) {
  for (const Known& known : all()) {
    BOOST_TEST_CONTEXT(known.posterior.name) {
      const ad::Tensor x = points(known), g = evaluated(known.posterior, x, true);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        double norm = 0;
        for (const Real v : g.row(i)) norm = std::max(norm, std::abs(double(v)));
        for (std::size_t j = 0; j < x.cols(); ++j) {
          const double h = 1e-4;
          const auto moved = [&](double by) {
            std::vector<double> at = row(x, i);
            at[j] += by;
            return -known.log_prob(at);
          };
          // Of fourth order; what is left is the rounding of log densities of up to 1e7.
          const double expected =
              (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
          BOOST_TEST(std::abs(g(i, j) - expected) < (kSingle ? 1e-3 : 1e-6) * (10 + norm));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(energies_far_out_are_finite) {
  for (const Known& known : all()) {
    BOOST_TEST_CONTEXT(known.posterior.name) {
      const std::size_t d = known.posterior.dim();
      ad::Tensor x({2 * d, d});
      for (std::size_t j = 0; j < d; ++j) {
        x(j, j) = 15;
        x(d + j, j) = -15;
      }
      for (const bool gradient : {false, true}) {
        for (const Real v : evaluated(known.posterior, x, gradient).flat()) {
          BOOST_TEST(std::isfinite(v));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(quantities_are_named_and_have_a_reference) {
  BOOST_TEST(posterior_names().size() == all().size());
  const std::vector<std::vector<std::string>> last{
      {"mu", "log tau", "mu", "tau"},
      {"mu", "log tau", "mu", "tau"},
      {"beta[2]", "log sigma", "beta[2]", "sigma"},
      {"beta[5]", "log sigma", "beta[5]", "sigma"},
      {"beta[5]", "log sigma", "beta[5]", "sigma"},
      {"beta[24]", "beta[25]", "beta[24]", "beta[25]"}};
  const std::vector<std::size_t> dims{10, 10, 3, 7, 6, 25};
  std::size_t at = 0;
  for (const std::string& name : posterior_names()) {
    BOOST_TEST_CONTEXT(name) {
      const Posterior p = make_posterior(name);
      const std::size_t d = dims[at];
      BOOST_TEST(p.name == name);
      BOOST_TEST(p.dim() == d);
      BOOST_TEST(p.quantities.size() == d);
      BOOST_TEST(p.reference.size() == d);
      const std::vector<std::string> ends{p.parameters[d - 2], p.parameters[d - 1],
                                          p.quantities[d - 2], p.quantities[d - 1]};
      BOOST_TEST(ends == last[at++], boost::test_tools::per_element());
      for (const ReferenceMoments& m : p.reference) BOOST_TEST((m.sd > 0 && m.draws >= 10000));
    }
  }
  BOOST_TEST(make_posterior("arK").parameters[0] == "alpha");
  BOOST_TEST(make_posterior("arK").parameters[1] == "beta[1]");
}

BOOST_AUTO_TEST_CASE(quantities_are_in_the_units_of_the_model) {
  ad::Tensor x({1, 2, 10});  // two draws of a chain
  x[10] = 0.5;
  x[18] = 4;
  x[19] = Real(std::log(2));
  const auto check = [&](const char* name, double theta) {
    const ad::Tensor q = quantities(make_posterior(name), x);
    BOOST_TEST((q.shape() == ad::Shape{1, 2, 10}));
    BOOST_TEST(q[10] == theta, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(q[18] == 4);
    BOOST_TEST(q[19] == 2, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(q[9] == 1);
  };
  check("eight_schools_centered", 0.5);
  check("eight_schools_noncentered", 5);
  BOOST_CHECK_THROW(quantities(make_posterior("blr"), x), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::mcmc
