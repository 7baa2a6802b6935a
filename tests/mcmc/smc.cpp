#include "mcmc/smc.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "tests/mcmc/annealing.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;

namespace {

SmcOptions with_key(SmcOptions options, ad::Key key) {
  options.key = key;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sequential_monte_carlo)

BOOST_AUTO_TEST_CASE(conditional_ess_has_its_closed_forms) {
  const double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<double> equal(4, 7.0), gained{std::log(1.0), std::log(3.0), 0, 0};
  // Equal weights: the effective sample size of the gained ones.
  BOOST_TEST(std::abs(conditional_ess(equal, gained) - 36.0 / 12) < 1e-12);
  BOOST_TEST(std::abs(conditional_ess(gained, equal) - 4) < 1e-12);
  // W = (1, 3) / 4, w = (2, 1): 2 (5/4)^2 / (7/4).
  BOOST_TEST(
      std::abs(conditional_ess(std::vector{0.0, std::log(3.0)}, std::vector{std::log(2.0), 0.0}) -
               2 * 25.0 / 16 / (7.0 / 4)) < 1e-12);
  BOOST_TEST(conditional_ess(std::vector{0.0, -kInfinity}, std::vector{-kInfinity, 0.0}) == 0);
  BOOST_CHECK_THROW(conditional_ess(std::vector{std::nan(""), 0.0}, std::vector{0.0, 0.0}),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_step_of_temperature_keeps_the_conditional_ess) {
  const GaussianPath gaussian;
  for (const bool linear : {true, false}) {
    Path path = gaussian.path();
    path.linear = linear;
    PathWeights weights(path, 500);
    weights.at(weights.draw({.seed = 1}));
    const std::vector<double> equal(500, 0.0);
    const double b = next_temperature(weights, equal, 0, 0.8);
    BOOST_TEST(b < 1);
    BOOST_TEST(std::abs(conditional_ess(equal, weights.increments(0, b)) / 500 - 0.8) < 2e-3);
    BOOST_TEST(next_temperature(weights, equal, 1 - 1e-3, 0.8) == 1);
  }
}

BOOST_AUTO_TEST_CASE(the_genealogical_variance_without_resampling_is_the_delta_method) {
  std::vector<double> log_weights;
  std::vector<std::size_t> own;
  for (std::size_t i = 0; i < 50; ++i) {
    log_weights.push_back(std::sin(double(i)));
    own.push_back(i);
  }
  for (const Resampling how : {Resampling::multinomial, Resampling::systematic}) {
    BOOST_TEST(std::abs(std::sqrt(genealogical_variance(log_weights, own, 0, how)) -
                        log_mean_weight(log_weights).error) < 1e-12);
    // One ancestor is left: nothing is known.
    const std::vector<std::size_t> one(50, 3);
    BOOST_TEST(std::abs(genealogical_variance(log_weights, one, 5, how) - 1) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(z_and_its_genealogical_variance_are_unbiased) {
  // Even for so few particles: E Z^2 V = Var Z under multinomial resampling; under the others,
  // whose Z varies less, it is more.
  const GaussianPath gaussian;
  const double repeats = 400;
  for (const Resampling how : {Resampling::multinomial, Resampling::systematic,
                               Resampling::stratified, Resampling::residual}) {
    std::vector<double> ratio, variance;
    for (std::uint32_t t = 0; t < repeats; ++t) {
      const SmcResult r = smc(gaussian.path(), mala_of(3, 0.5),
                              {.particles = 64,
                               .resample_below = 1,
                               .resampling = how,
                               .moves = 2,
                               .temperatures = {0, 0.2, 0.5, 1},
                               .key = {.seed = 1000 + t}});
      BOOST_TEST(r.resamplings == 3u);
      ratio.push_back(std::exp(r.log_z.value - gaussian.log_z()));
      variance.push_back(ratio.back() * ratio.back() *
                         genealogical_variance(r.log_weight, r.ancestor, 3, how));
    }
    const LogZ z = mean_log_weight(ratio), v = mean_log_weight(variance);  // plain means
    std::vector<double> squares;
    for (const double x : ratio) squares.push_back((x - 1) * (x - 1));
    const LogZ exact = mean_log_weight(squares);
    BOOST_TEST_MESSAGE("scheme " << int(how) << ": Z " << z.value << " +- " << z.error
                                 << ", variance " << v.value << " +- " << v.error << ", exact "
                                 << exact.value << " +- " << exact.error);
    BOOST_TEST(std::abs(z.value - 1) < 4 * z.error);
    const double error = std::hypot(v.error, exact.error);
    BOOST_TEST(v.value > exact.value - 4 * error);
    const double slack = how == Resampling::multinomial ? 1 : 3.5;
    BOOST_TEST(v.value < slack * exact.value + 4 * error);
  }
}

BOOST_AUTO_TEST_CASE(errors_of_log_z_are_calibrated) {
  const GaussianPath gaussian;
  const auto check = [&](const char* name, const SmcOptions& options) {
    const Calibration c = calibrate(150, gaussian.log_z(), [&](ad::Key key) {
      return smc(gaussian.path(), mala_of(3, 0.5), with_key(options, key)).log_z;
    });
    BOOST_TEST_MESSAGE(name << ": z " << c.mean_z << " +- " << c.sd_z << ", ratio " << c.mean_ratio
                            << " +- " << c.error);
    BOOST_TEST(std::abs(c.mean_z) < 4 / std::sqrt(c.repeats) + 0.05, name);
    // The error bar itself scatters by a tenth or so.
    BOOST_TEST(std::abs(c.sd_z - 1) < 4 / std::sqrt(2 * c.repeats) + 0.05, name);
  };
  SmcOptions options{.particles = 1000,
                     .resample_below = 0.9,
                     .resampling = Resampling::multinomial,
                     .moves = 2,
                     .temperatures = {0, 0.1, 0.2, 0.4, 0.6, 1}};
  check("fixed temperatures", options);
  options.temperatures = {};
  options.target_accept = 0.6;
  check("adapted temperatures", options);
}

BOOST_AUTO_TEST_CASE(particles_and_weights_are_the_mixtures) {
  const auto check = [](const char* name, const auto& make) {
    const SmcResult r = smc(mixture_path(), make,
                            {.particles = 4000,
                             .conditional_ess = 0.98,
                             .resample_below = 0.9,
                             .moves = 4,
                             .target_accept = 0.6,
                             .key = {.seed = 2}});
    double sum = 0, right = 0;
    for (std::size_t i = 0; i < 4000; ++i) {
      const double w = std::exp(r.log_weight[i]);
      sum += w;
      if (r.x(i, 0) > 0.1) right += w;
    }
    const double exact = 1 - asymmetric_mixture().cdf(0, 0.1);
    BOOST_TEST_MESSAGE(name << ": log Z " << r.log_z.value << " +- " << r.log_z.error << ", weight "
                            << right / sum << " of " << exact << ", " << r.levels.size()
                            << " temperatures, " << r.resamplings << " resamplings");
    BOOST_TEST(std::abs(r.log_z.value - 3) < 4 * r.log_z.error, name);
    BOOST_TEST(r.log_z.error < 0.05, name);
    BOOST_TEST(std::abs(right / sum - exact) < 4 * 0.5 / std::sqrt(1000.0), name);
    BOOST_TEST(r.levels.back().b == 1);
    const std::set<std::size_t> families(r.ancestor.begin(), r.ancestor.end());
    BOOST_TEST(r.resamplings > 0u);
    BOOST_TEST(families.size() < 4000u);
  };
  check("mala", mala_of(2, 0.2));
  check("hmc", [](const Energy& u) { return Hmc(u, 2, {.step_size = 0.4, .leapfrog_steps = 3}); });
}

BOOST_AUTO_TEST_CASE(temperatures_and_step_sizes_adapt) {
  const GaussianPath gaussian;
  const SmcResult r = smc(gaussian.path(), mala_of(3, 1e-2),
                          {.particles = 500,
                           .conditional_ess = 0.99,
                           .moves = 2,
                           .target_accept = 0.6,
                           .key = {.seed = 3}});
  const std::vector<double> b = r.temperatures(), h = r.step_sizes();
  BOOST_CHECK_NO_THROW(check_temperatures("smc", b));
  BOOST_TEST(h.size() == r.levels.size());
  BOOST_TEST(b.size() == h.size() + 1);
  BOOST_TEST(b[1] < 0.2);  // the first steps are the shortest on this path
  BOOST_TEST(std::abs(r.levels.back().acceptance - 0.6) < 0.15);
  const SmcResult again =
      smc(gaussian.path(), mala_of(3, 1e-2),
          {.particles = 500, .moves = 2, .temperatures = b, .step_sizes = h, .key = {.seed = 30}});
  BOOST_TEST(again.temperatures() == b);
  BOOST_TEST(again.step_sizes() == h);
  BOOST_TEST(std::abs(again.log_z.value - gaussian.log_z()) < 4 * again.log_z.error);
}

BOOST_AUTO_TEST_CASE(a_general_path_gives_what_a_linear_one_does) {
  Path general = mixture_path();
  general.linear = false;
  const SmcOptions options{.particles = 200, .moves = 2, .key = {.seed = 4}};
  const SmcResult a = smc(mixture_path(), mala_of(2, 0.2), options),
                  b = smc(general, mala_of(2, 0.2), options);
  BOOST_TEST(std::abs(a.log_z.value - b.log_z.value) < 4 * (a.log_z.error + b.log_z.error));
  BOOST_TEST(a.levels.size() == b.levels.size());
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_the_number_of_threads) {
  const auto on = [](std::size_t threads) {
    return ad::with_threads(threads, [] {
      return smc(mixture_path(), mala_of(2, 0.2),
                 {.particles = 300, .moves = 2, .target_accept = 0.5, .key = {.seed = 5}});
    });
  };
  const SmcResult one = on(1), two = on(2), four = on(4);
  BOOST_TEST(one.log_z.value == two.log_z.value);
  BOOST_TEST(one.log_z.value == four.log_z.value);
  BOOST_TEST(one.ancestor == two.ancestor);
  BOOST_TEST(std::ranges::equal(one.x.flat(), two.x.flat()));
  BOOST_TEST(std::ranges::equal(one.x.flat(), four.x.flat()));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  const GaussianPath g;
  const auto refused = [&](const SmcOptions& options, const std::string& text) {
    BOOST_CHECK_EXCEPTION(smc(g.path(), mala_of(3, 0.1), options), std::exception,
                          [&](const std::exception& e) {
                            BOOST_TEST_MESSAGE(e.what());
                            return std::string(e.what()).find(text) != std::string::npos;
                          });
  };
  refused({.particles = 1}, "particles 1");
  refused({.conditional_ess = 1}, "conditional_ess 1");
  refused({.resample_below = 1.5}, "resample_below 1.5");
  refused({.moves = 0}, "moves 0");
  refused({.target_accept = -0.1}, "target_accept -0.1");
  refused({.temperatures = {0, 0.7}}, "from 0 up to 1");
  refused({.step_sizes = {0.1}}, "1 step sizes for 0 temperatures");
  refused({.conditional_ess = 0.999, .most_temperatures = 3}, "after 3 temperatures");
  const auto fixed = [&](const Energy& u) { return IndependentMh(u, g.base()); };
  BOOST_CHECK_THROW(smc(g.path(), fixed, {.target_accept = 0.5}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
