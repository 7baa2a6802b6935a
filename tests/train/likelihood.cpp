#include "train/metrics/likelihood.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "mcmc/targets/phi4.hpp"
#include "tests/mcmc/laws.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

/// exp(-U) with U = |x - m|^2 / 2 s^2 in 3 dimensions, of which everything is known.
struct Gaussian {
  double m = 0.5, s = 0.6;
  mcmc::Energy energy() const {
    return [*this](ad::Var x) { return sum(square(x - m), 1) / (2 * s * s); };
  }
  double log_z() const { return 1.5 * std::log(2 * std::numbers::pi * s * s); }
  ad::Tensor sample(std::size_t n, ad::Key key) const {
    ad::Tensor x = ad::normal({n, 3}, key);
    for (Real& v : x.flat()) v = Real(m + s * v);
    return x;
  }
};

const mcmc::Proposal kWide = mcmc::gaussian_proposal({0, 0, 0}, {1.5, 1.5, 1.5});

/// How often intervals from different keys hold log_z, and how wide they are on average.
struct Coverage {
  std::size_t held = 0, repeats = 0;
  double width = 0;
};
template <class Bracket>
Coverage coverage(std::size_t repeats, double log_z, const Bracket& bracket) {
  Coverage c{.repeats = repeats};
  for (std::uint32_t t = 0; t < repeats; ++t) {
    const LogZBracket b = bracket(ad::Key{.seed = 100 + t});
    c.held += b.low <= log_z && log_z <= b.high;
    c.width += (b.high - b.low) / double(repeats);
  }
  return c;
}

/// Intervals of confidence 0.9 that are right, or wider than they need be, miss so rarely: with
/// 4 standard errors.
bool covers(const Coverage& c) {
  const double n = double(c.repeats), least = 0.9 * n - 4 * std::sqrt(0.09 * n);
  BOOST_TEST_MESSAGE(c.held << " of " << n << " intervals, " << c.width << " wide on average");
  return double(c.held) >= least;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trusted_likelihood)

BOOST_AUTO_TEST_CASE(intervals_hold_the_log_z_of_a_gaussian) {
  const Gaussian model;
  const Coverage c = coverage(60, model.log_z(), [&](ad::Key key) {
    return bracket_log_z(
        model.energy(), kWide,
        {.annealing = {.temperatures = 40, .particles = 100, .key = key}, .confidence = 0.9},
        model.sample(100, key.fork(9)));
  });
  BOOST_TEST(covers(c));
  BOOST_TEST(c.width < 0.4);
}

BOOST_AUTO_TEST_CASE(intervals_hold_the_log_z_of_a_mixture_of_unequal_modes) {
  const auto law = mcmc::test::asymmetric_mixture();
  const mcmc::Energy energy = [u = law.energy()](ad::Var x) { return u(x) - 3; };
  const mcmc::Proposal base = mcmc::gaussian_proposal({0.2, 0.3}, {1.6, 1.4});
  const Coverage c = coverage(40, 3, [&](ad::Key key) {
    return bracket_log_z(
        energy, base,
        {.annealing = {.temperatures = 40, .particles = 200, .key = key}, .confidence = 0.9},
        law.sample(200, key.fork(9)));
  });
  BOOST_TEST(covers(c));
  BOOST_TEST(c.width < 0.2);
}

BOOST_AUTO_TEST_CASE(forward_and_reverse_bracket_a_lattice) {
  const mcmc::Phi4Options lattice{.sites = 16, .h = 0.01};
  const mcmc::Phi4 exact(lattice);
  ad::Tensor draws({400, 16});
  exact.sample(draws, {.seed = 3});
  const LogZBracket b = bracket_log_z(
      mcmc::phi4_energy(lattice),
      mcmc::gaussian_proposal(std::vector<double>(16, 0), std::vector<double>(16, 0.8)),
      {.annealing = {.temperatures = 400, .particles = 400, .step_size = 0.05, .key = {.seed = 4}}},
      draws);
  BOOST_TEST_MESSAGE(b.low << " < " << exact.log_z() << " < " << b.high << ", best " << b.best.value
                           << " +- " << b.best.error);
  BOOST_TEST(b.low < exact.log_z());
  BOOST_TEST(exact.log_z() < b.high);
  BOOST_TEST(std::abs(b.best.value - exact.log_z()) < 4 * b.best.error);
  BOOST_TEST(b.high - b.low < 2);
}

BOOST_AUTO_TEST_CASE(the_lower_bound_does_without_draws) {
  const auto law = mcmc::test::asymmetric_mixture();
  const mcmc::Energy energy = [u = law.energy()](ad::Var x) { return u(x) - 3; };
  const mcmc::Proposal base = mcmc::gaussian_proposal({0.2, 0.3}, {1.6, 1.4});
  const LogZOptions options{
      .annealing = {.temperatures = 40, .particles = 400, .key = {.seed = 5}}};
  const LogZBracket without = bracket_log_z(energy, base, options),
                    with = bracket_log_z(energy, base, options, law.sample(400, {.seed = 6}));
  BOOST_TEST(without.lower.value == with.lower.value);
  BOOST_TEST(!without.upper.has_value());
  BOOST_TEST(std::abs(without.best.value - 3) < 4 * without.best.error);
  BOOST_TEST(with.best.error < without.best.error);
}

BOOST_AUTO_TEST_CASE(likelihoods_are_those_of_the_density) {
  const Gaussian model;
  const ad::Tensor x = model.sample(5000, {.seed = 7});
  const LogZBracket known{
      .best = {model.log_z(), 0}, .low = model.log_z() - 0.1, .high = model.log_z() + 0.2};
  const Likelihood l = likelihood(model.energy(), known, x);
  const double entropy = model.log_z() + 1.5;  // E U = d / 2
  BOOST_TEST(std::abs(l.nats + entropy) < 4 * l.standard_error);
  BOOST_TEST(l.standard_error == std::sqrt(1.5 / 5000), boost::test_tools::tolerance(0.1));
  BOOST_TEST(l.nats - l.low == 0.2, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(l.high - l.nats == 0.1, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(l.bits_per_dim(3) == -l.nats / 3 / std::log(2.0), boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused) {
  const Gaussian model;
  const auto refusal = [&](const LogZOptions& options) {
    return test::refusal([&] { bracket_log_z(model.energy(), kWide, options); });
  };
  BOOST_TEST(refusal({.annealing = {.temperatures = 0}}) ==
             "bracket_log_z: 0 temperatures; need at least 1");
  BOOST_TEST(refusal({.annealing = {.particles = 1}}) ==
             "bracket_log_z: 1 particles; need at least 2");
  BOOST_TEST(refusal({.annealing = {.leapfrog_steps = 0}}) ==
             "bracket_log_z: 0 leapfrog steps; need at least 1");
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    BOOST_TEST(refusal({.annealing = {.step_size = bad}}) == "bracket_log_z: step_size " +
                                                                 std::to_string(bad) +
                                                                 "; need a finite number above 0");
  }
  BOOST_TEST(refusal({.confidence = 1}) ==
             "bracket_log_z: confidence 1.000000; need a number between 0 and 1");
  BOOST_TEST(test::refusal([&] {
               likelihood(model.energy(), {}, ad::Tensor({1, 3}));
             }) == "likelihood: points (1, 3); need (n, d) with n of at least 2");
  ad::Tensor x({3, 3});
  x(1, 2) = std::numeric_limits<Real>::infinity();
  BOOST_TEST(test::message([&] { likelihood(model.energy(), {}, x); }) ==
             "likelihood: the energy of row 1 is inf");
}

BOOST_AUTO_TEST_SUITE_END()
