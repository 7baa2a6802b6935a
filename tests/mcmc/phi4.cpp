#include "mcmc/targets/phi4.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/grad.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"
#include "mcmc/metropolis.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

// The energy as it is written in the papers, in double.
double plain_energy(const Phi4Options& o, std::span<const Real> x) {
  const double c = o.a * double(o.sites);
  double sum = 0, left = 0;
  for (std::size_t i = 0; i <= o.sites; ++i) {
    const double here = i < o.sites ? double(x[i]) : 0;
    sum += c * (here - left) * (here - left) / 2;
    if (i < o.sites) sum += (std::pow(1 - here * here, 2) / 4 + o.h * here) / c;
    left = here;
  }
  return o.beta * sum;
}

double mean_above_zero(const ad::Tensor& x, std::size_t site) {
  double count = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) count += x(i, site) > 0;
  return count / double(x.rows());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(phi4_chain)

BOOST_AUTO_TEST_CASE(energy_and_gradient_are_those_of_the_formula) {
  const Phi4Options options{.sites = 7, .a = 0.2, .beta = 11, .h = 0.3};
  const ad::Tensor x = ad::normal({5, 7}, {.seed = 1});
  const auto out = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        const ad::Var u = phi4_energy(options)(in[0]);
        return {u, ad::grad(u, in[0])};
      },
      {x});
  const double tolerance = sizeof(Real) == 4 ? 1e-5 : 1e-12, c = 1.4;
  for (std::size_t i = 0; i < 5; ++i) {
    const double exact = plain_energy(options, x.row(i));
    BOOST_TEST(std::abs(out[0][i] - exact) < tolerance * exact);
    for (std::size_t j = 0; j < 7; ++j) {
      const double here = x(i, j), left = j > 0 ? x(i, j - 1) : 0, right = j < 6 ? x(i, j + 1) : 0;
      const double slope =
          11 * (c * (2 * here - left - right) + (0.3 - here * (1 - here * here)) / c);
      BOOST_TEST(std::abs(out[1](i, j) - slope) < tolerance * 100);
    }
  }
}

BOOST_AUTO_TEST_CASE(log_z_and_mode_weights_are_the_known_ones) {
  // By trapezoidal sums of 3001 points on [-3, 3], to the digits that are written.
  struct Known {
    std::size_t sites;
    double h, log_z, positive;
  };
  for (const Known& k : {Known{100, 0, -196.91222081, 0.5},
                         {100, 0.0009, -196.90235437, 0.43031111},
                         {100, 0.0025, -196.83769097, 0.31445085},
                         {100, 0.0035, -196.76936737, 0.25140245},
                         {100, 0.025, -193.66444649, 4.1296e-4},
                         {32, 0, -59.49545768, 0.5},
                         {32, 0.0009, -59.48506252, 0.42847869},
                         {32, 0.0025, -59.41702148, 0.30998983},
                         {32, 0.0035, -59.34528439, 0.24596851}}) {
    const Phi4 chain({.sites = k.sites, .h = k.h});
    BOOST_TEST(std::abs(chain.log_z() - k.log_z) < 1e-8, k.sites << " sites, h " << k.h);
    BOOST_TEST(std::abs(chain.positive_weight(k.sites / 2) - k.positive) < 1e-8,
               k.sites << " sites, h " << k.h);
  }
  const auto square = [](double x) { return x * x; };
  BOOST_TEST(std::abs(Phi4({.sites = 100}).expectation(50, square) - 0.95421) < 1e-5);
  BOOST_TEST(std::abs(Phi4({.sites = 32}).expectation(16, square) - 0.95587) < 1e-5);
}

BOOST_AUTO_TEST_CASE(one_site_is_an_integral) {
  const Phi4Options options{.sites = 1, .a = 2, .beta = 3, .h = 0.4};
  const auto density = [&](double x) {
    return std::exp(-3 * (2 * x * x + (std::pow(1 - x * x, 2) / 4 + 0.4 * x) / 2));
  };
  double z = 0, moment = 0, above = 0;
  for (int k = -60000; k <= 60000; ++k) {
    const double x = k * 1e-4;
    z += density(x) * 1e-4;
    moment += x * density(x) * 1e-4;
    above += (k > 0 ? 1 : k == 0 ? 0.5 : 0) * density(x) * 1e-4;
  }
  const Phi4 chain(options);
  BOOST_TEST(std::abs(chain.log_z() - std::log(z)) < 1e-12);
  BOOST_TEST(std::abs(chain.density(0, 0.3) - density(0.3) / z) < 1e-12);
  BOOST_TEST(std::abs(chain.expectation(0, [](double x) { return x; }) - moment / z) < 1e-12);
  BOOST_TEST(std::abs(chain.positive_weight(0) - above / z) < 1e-8);
}

BOOST_AUTO_TEST_CASE(densities_are_normalised_and_mirror_images) {
  const Phi4 chain({.sites = 20, .h = 0.05});
  for (const std::size_t site : {0, 1, 7, 10, 19}) {
    BOOST_TEST(std::abs(chain.expectation(site, [](double) { return 1; }) - 1) < 1e-12);
    BOOST_TEST(std::abs(chain.density(site, 0.7) - chain.density(19 - site, 0.7)) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(draws_follow_the_density) {
  // Moments, energies and Kolmogorov-Smirnov distances of some sites, in standard errors.
  const Phi4Options options{.sites = 32, .h = 0.0025};
  const Phi4 chain(options);
  const std::size_t n = 10000;
  ad::Tensor x({n, 32});
  chain.sample(x, {.seed = 2});
  for (const std::size_t site : {0, 5, 16, 31}) {
    const double p = chain.positive_weight(site);
    const double error = std::sqrt(p * (1 - p) / double(n));
    BOOST_TEST(std::abs(mean_above_zero(x, site) - p) < 4 * error, "site " << site);
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) mean += x(i, site) * double(x(i, site)) / double(n);
    const double second = chain.expectation(site, [](double v) { return v * v; }),
                 fourth = chain.expectation(site, [](double v) { return v * v * v * v; });
    BOOST_TEST(std::abs(mean - second) < 4 * std::sqrt((fourth - second * second) / double(n)),
               "site " << site);
    std::vector<double> sorted(n);
    for (std::size_t i = 0; i < n; ++i) sorted[i] = x(i, site);
    std::ranges::sort(sorted);
    double cdf = 0, distance = 0;
    std::size_t i = 0;
    for (double v = -4; v < 4; v += 1e-2) {
      cdf += 1e-2 * chain.density(site, v + 0.5e-2);
      while (i < n && sorted[i] < v + 1e-2) ++i;
      distance = std::max(distance, std::abs(double(i) / double(n) - cdf));
    }
    BOOST_TEST(std::sqrt(double(n)) * distance < 2.2, "site " << site);
  }
  // E sum_i x_i dU/dx_i = d, which sees all bonds.
  ad::Workspace at = value_and_grad(phi4_energy(options), 32).workspace(n);
  evaluate(at, x);
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double virial = -32;
    for (std::size_t j = 0; j < 32; ++j) virial += double(x(i, j)) * at.out(1)(i, j);
    mean += virial / double(n);
    squares += virial * virial / double(n);
  }
  BOOST_TEST(std::abs(mean) < 4 * std::sqrt(squares / double(n)));
}

BOOST_AUTO_TEST_CASE(draws_do_not_depend_on_threads_or_rows) {
  const Phi4 chain({.sites = 9});
  ad::Tensor one({150, 9}), two({150, 9}), part({20, 9});
  ad::with_threads(1, [&] { chain.sample(one, {.seed = 3}); });
  ad::with_threads(2, [&] { chain.sample(two, {.seed = 3}); });
  chain.sample(part, {.seed = 3}, 100);
  BOOST_TEST(std::ranges::equal(one.flat(), two.flat()));
  BOOST_TEST(std::ranges::equal(part.flat(), one.view().slice(100, 20).flat()));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
  for (const Phi4Options& options :
       {Phi4Options{.sites = 0}, {.a = 0}, {.beta = -1}, {.h = std::nan("")}}) {
    BOOST_CHECK_THROW(phi4_energy(options), std::invalid_argument);
    BOOST_CHECK_THROW(Phi4{options}, std::invalid_argument);
  }
  const Phi4 chain({.sites = 3});
  BOOST_CHECK_THROW(chain.density(3, 0), std::invalid_argument);
  BOOST_CHECK_THROW(chain.positive_weight(3), std::invalid_argument);
  ad::Tensor narrow({4, 2});
  BOOST_CHECK_THROW(chain.sample(narrow, {}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
