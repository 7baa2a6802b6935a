#include "mcmc/ais.hpp"

#include <boost/test/unit_test.hpp>

#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/random_walk.hpp"
#include "tests/mcmc/annealing.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;

namespace {

/// The weight of the mixture's right mode.
double weight_of_right(const AisResult& r) {
  double sum = 0, right = 0;
  for (std::size_t i = 0; i < r.x.rows(); ++i) {
    const double w = std::exp(r.log_weight[i] - r.log_z.value);
    sum += w;
    if (r.x(i, 0) > 0.1) right += w;
  }
  return right / sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(annealed_importance_sampling)

BOOST_AUTO_TEST_CASE(forward_and_reverse_are_unbiased_with_calibrated_errors) {
  const GaussianPath gaussian;
  const AisOptions options{.temperatures = even_temperatures(30), .particles = 400};
  const auto make = mala_of(3, 0.5);
  const std::size_t repeats = 200;
  const auto check = [&](const char* name, const Calibration& c, double unbiased) {
    BOOST_TEST_MESSAGE(name << ": z " << c.mean_z << " +- " << c.sd_z << ", ratio " << c.mean_ratio
                            << " +- " << c.error);
    // A standard normal z, but for a skewness of some 1 / ESS.
    BOOST_TEST(std::abs(c.mean_z) < 4 / std::sqrt(c.repeats) + 0.1, name);
    BOOST_TEST(std::abs(c.sd_z - 1) < 4 / std::sqrt(2 * c.repeats), name);
    BOOST_TEST(std::abs(c.mean_ratio - unbiased) < 4 * c.error, name);
  };
  check("forward",
        calibrate(repeats, gaussian.log_z(),
                  [&](ad::Key key) {
                    AisOptions o = options;
                    o.key = key;
                    return ais(gaussian.path(), make, o).log_z;
                  }),
        1);
  // In reverse it is 1 / Z that is unbiased.
  check("reverse",
        calibrate(
            repeats, -gaussian.log_z(),
            [&](ad::Key key) {
              AisOptions o = options;
              o.key = key;
              LogZ z =
                  reverse_ais(gaussian.path(), make, gaussian.sample(400, key.fork(9)), o).log_z;
              z.value = -z.value;
              return z;
            }),
        1);
}

BOOST_AUTO_TEST_CASE(every_kernel_brackets_the_mixture) {
  const double truth = 3;
  const Path path = mixture_path();
  const Proposal base = path.base;
  const ad::Tensor exact = asymmetric_mixture().sample(2000, {.seed = 11});
  const auto check = [&](const char* name, const auto& make) {
    const AisOptions options{
        .temperatures = even_temperatures(20), .moves = 2, .particles = 2000, .key = {.seed = 12}};
    const AisResult up = ais(path, make, options), down = reverse_ais(path, make, exact, options);
    const LogZ between = bennett(up.log_weight, down.log_weight);
    BOOST_TEST_MESSAGE(name << ": " << up.bound.value << " < 3 < " << down.bound.value << ", "
                            << up.log_z.value << " +- " << up.log_z.error << ", "
                            << down.log_z.value << " +- " << down.log_z.error << ", bennett "
                            << between.value << " +- " << between.error);
    BOOST_TEST(up.bound.value + 4 * up.bound.error < truth, name);
    BOOST_TEST(down.bound.value - 4 * down.bound.error > truth, name);
    BOOST_TEST(down.bound.value - up.bound.value < 0.6, name);
    for (const LogZ& z : {up.log_z, down.log_z, between}) {
      BOOST_TEST(std::abs(z.value - truth) < 4 * z.error, name);
      BOOST_TEST(z.error < 0.05, name);
    }
    const double right = 1 - asymmetric_mixture().cdf(0, 0.1);
    BOOST_TEST(std::abs(weight_of_right(up) - right) < 4 * 0.5 / std::sqrt(up.ess), name);
  };
  check("mala", mala_of(2, 0.2));
  check("random walk", [](const Energy& u) { return RandomWalk(u, 2, {.step_size = 0.8}); });
  check("hmc", [](const Energy& u) { return Hmc(u, 2, {.step_size = 0.4, .leapfrog_steps = 3}); });
  check("independent mh", [&](const Energy& u) { return IndependentMh(u, base); });
  check("isir", [&](const Energy& u) { return Isir(u, base, {.particles = 4}); });
}

BOOST_AUTO_TEST_CASE(without_temperatures_between_it_is_importance_sampling) {
  const GaussianPath gaussian;
  const AisResult r = ais(gaussian.path(), mala_of(3, 0.1),
                          {.temperatures = {0, 1}, .particles = 500, .key = {.seed = 13}});
  PathWeights weights(gaussian.path(), 500);
  weights.at(weights.draw(ad::Key{.seed = 13}.fork(0)));
  BOOST_TEST(r.log_weight == weights.increments(0, 1));
}

BOOST_AUTO_TEST_CASE(more_temperatures_tighten_the_bracket) {
  const GaussianPath gaussian;
  const auto gap = [&](std::size_t k) {
    const AisOptions options{.temperatures = even_temperatures(k), .particles = 1000};
    return reverse_ais(gaussian.path(), mala_of(3, 0.2), gaussian.sample(1000, {.seed = 14}),
                       options)
               .bound.value -
           ais(gaussian.path(), mala_of(3, 0.2), options).bound.value;
  };
  // In proportion to 1 / K once the chains follow.
  const double coarse = gap(8), fine = gap(64);
  BOOST_TEST_MESSAGE("gaps " << coarse << ", " << fine);
  BOOST_TEST(fine < coarse / 4);
  BOOST_TEST(fine > 0);
}

BOOST_AUTO_TEST_CASE(a_pilot_finds_step_sizes) {
  const GaussianPath gaussian;
  AisOptions options{.temperatures = even_temperatures(40),
                     .particles = 200,
                     .target_accept = 0.6,
                     .key = {.seed = 15}};
  const AisResult pilot = ais(gaussian.path(), mala_of(3, 1e-2), options);
  options.step_sizes = pilot.step_sizes;
  options.target_accept = 0;
  options.key = {.seed = 16};
  const AisResult run = ais(gaussian.path(), mala_of(3, 1e-2), options);
  BOOST_TEST(run.step_sizes == pilot.step_sizes);
  for (std::size_t k = 20; k < 40; ++k) BOOST_TEST(std::abs(run.acceptance[k] - 0.6) < 0.15);
  const AisResult back =
      reverse_ais(gaussian.path(), mala_of(3, 1e-2), gaussian.sample(200, {.seed = 17}), options);
  BOOST_TEST(back.step_sizes == pilot.step_sizes);
  for (std::size_t k = 20; k < 40; ++k) BOOST_TEST(std::abs(back.acceptance[k] - 0.6) < 0.15);
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_the_number_of_threads) {
  const ad::Tensor exact = asymmetric_mixture().sample(300, {.seed = 18});
  const AisOptions options{.temperatures = even_temperatures(5),
                           .moves = 2,
                           .particles = 300,
                           .target_accept = 0.5,
                           .key = {.seed = 19}};
  AisOptions frozen = options;
  frozen.target_accept = 0;
  const auto on = [&](std::size_t threads) {
    return ad::with_threads(threads, [&] {
      AisResult up = ais(mixture_path(), mala_of(2, 0.2), options);
      const AisResult down = reverse_ais(mixture_path(), mala_of(2, 0.2), exact, frozen);
      up.log_weight.insert(up.log_weight.end(), down.log_weight.begin(), down.log_weight.end());
      return up.log_weight;
    });
  };
  BOOST_TEST(on(1) == on(2));
  BOOST_TEST(on(1) == on(4));
}

BOOST_AUTO_TEST_CASE(the_bennett_estimate_is_calibrated) {
  // Works of a Gaussian that satisfy Crooks' relation: N(L - s^2/2, s^2) and N(L + s^2/2, s^2).
  const double truth = -5, s = 2;
  const Calibration c = calibrate(400, truth, [&](ad::Key key) {
    std::vector<double> forward(300), reverse(150);
    ad::Draws draws(key);
    for (double& l : forward) l = truth - s * s / 2 + s * draws.normal();
    for (double& l : reverse) l = truth + s * s / 2 + s * draws.normal();
    return bennett(forward, reverse);
  });
  BOOST_TEST_MESSAGE("bennett: z " << c.mean_z << " +- " << c.sd_z);
  BOOST_TEST(std::abs(c.mean_z) < 4 / std::sqrt(c.repeats) + 0.05);
  BOOST_TEST(std::abs(c.sd_z - 1) < 4 / std::sqrt(2 * c.repeats));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  const GaussianPath g;
  const auto refused = [&](const AisOptions& options, const std::string& text) {
    BOOST_CHECK_EXCEPTION(ais(g.path(), mala_of(3, 0.1), options), std::invalid_argument,
                          [&](const std::invalid_argument& e) {
                            BOOST_TEST_MESSAGE(e.what());
                            return std::string(e.what()).find(text) != std::string::npos;
                          });
  };
  refused({.temperatures = {0, 0.5}}, "temperatures from 0");
  refused({.moves = 0}, "moves 0");
  refused({.particles = 0}, "0 particles");
  refused({.step_sizes = {0.1}}, "1 step sizes for 101 temperatures");
  refused({.temperatures = {0, 1}, .step_sizes = {-0.1}}, "step_size -0.1");
  refused({.target_accept = 1}, "target_accept 1");
  const auto fixed = [&](const Energy& u) { return IndependentMh(u, g.base()); };
  BOOST_CHECK_THROW(ais(g.path(), fixed, {.target_accept = 0.5}), std::invalid_argument);
  BOOST_CHECK_THROW(ais(g.path(), fixed, {.temperatures = {0, 1}, .step_sizes = {0.1}}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(reverse_ais(g.path(), mala_of(3, 0.1), g.sample(9, {}), {.target_accept = 0.5}),
                    std::invalid_argument);
  BOOST_CHECK_THROW(reverse_ais(g.path(), mala_of(3, 0.1), ad::Tensor({0, 3}), {}),
                    std::invalid_argument);
  for (const std::vector<double>& few : {std::vector<double>{}, {1}}) {
    BOOST_CHECK_THROW(log_mean_weight(few), std::invalid_argument);
    BOOST_CHECK_THROW(mean_log_weight(few), std::invalid_argument);
    BOOST_CHECK_THROW(bennett(few, std::vector{0.0, 1.0}), std::invalid_argument);
  }
}

BOOST_AUTO_TEST_SUITE_END()
