#include <boost/test/unit_test.hpp>

#include "tests/message.hpp"
#include "tests/train/support.hpp"
#include "train/dsm.hpp"

using namespace eqp;
using namespace eqp::train;

// Data N(0, v I) in d = 3. An energy that knows the level, U(x, s) = |x|^2 / (2 (a + s^2)), holds
// the blurred law at every level for a = v; its mean loss at level s is
// d / 2 (1 - 2 s^2 / (a + s^2) + s^2 (v + s^2) / (a + s^2)^2).
namespace {

constexpr double kDim = 3, kVariance = 0.5;
const DataSource kData = gaussian_data({0, 0, 0}, kVariance, {1});

NoisyEnergy blurred(ad::Param a) {
  return [=](ad::Var x, ad::Var sigma) {
    return 0.5 * sum(square(x) / (a.on(*x.tape) + square(sigma)), 1);
  };
}

double mean_loss(double a, double s) {
  const double c = s * s / (a + s * s);
  return kDim / 2 * (1 - 2 * c + c * (kVariance + s * s) / (a + s * s));
}

struct Levels {
  std::vector<double> sigmas, weights;

  double share(std::size_t k) const {
    double total = 0;
    for (const double w : weights) total += w;
    return weights.empty() ? 1 / double(sigmas.size()) : weights[k] / total;
  }
  template <class F>
  double mean(const F& f) const {
    double sum = 0;
    for (std::size_t k = 0; k < sigmas.size(); ++k) sum += share(k) * f(sigmas[k]);
    return sum;
  }
  DsmOptions options() const {
    return {.dim = 3, .batch = 500, .sigmas = sigmas, .weights = weights, .key = {2}};
  }
};
const std::vector<Levels> kLevels{
    {{0.2, 0.6, 1.5}, {}}, {{0.2, 0.6, 1.5}, {1, 2, 5}}, {{1.0, 0.3}, {7, 1}}};

}  // namespace

BOOST_AUTO_TEST_CASE(an_energy_that_knows_the_noise_learns_the_data_at_any_levels) {
  for (const Levels& levels : kLevels) {
    for (const double at : {kVariance, 1.1}) {
      ad::Params params;
      const Objective objective =
          noise_conditional_dsm(blurred(scalar(params, "a", at)), kData, levels.options());
      const AtRest found = at_rest(params, objective, 300);
      BOOST_TEST(found.loss.off(levels.mean([&](double s) { return mean_loss(at, s); })) < 4);
      BOOST_TEST(found.loss.error() < 0.01);
      const double h = 1e-5;
      const double slope = levels.mean(
          [&](double s) { return (mean_loss(at + h, s) - mean_loss(at - h, s)) / (2 * h); });
      if (at == kVariance) BOOST_TEST(std::abs(slope) < 1e-8);
      BOOST_TEST(found.gradient[0].off(slope) < 4);
      BOOST_TEST(found.gradient[0].error() < 0.01);
    }
    ad::Params params;
    const Objective objective =
        noise_conditional_dsm(blurred(scalar(params, "a", 0.8)), kData, levels.options());
    const Mean a = trained(params, objective, {0.1, 400, 2000})[0];
    BOOST_TEST(a.off(kVariance) < 4, a.value() << " +- " << a.error());
    BOOST_TEST(a.error() < 0.01);
  }
}

// One that does not know it, a |x|^2 / 2, is the compromise that the weights say.
BOOST_AUTO_TEST_CASE(levels_count_by_their_weights) {
  for (const Levels& levels : kLevels) {
    ad::Params params;
    const Objective objective = dsm(quadratic(scalar(params, "a", 0.5)), kData, levels.options());
    const auto curvature = [](double s) { return s * s * (kVariance + s * s); };
    const double best = levels.mean([](double s) { return s * s; }) / levels.mean(curvature);
    const Mean a = trained(params, objective, {0.1 / levels.mean(curvature), 100, 1000})[0];
    BOOST_TEST(a.off(best) < 4, a.value() << " +- " << a.error());
    BOOST_TEST(a.error() < 0.01);
  }
}

BOOST_AUTO_TEST_CASE(geometric_sigmas_fall_by_equal_parts) {
  const std::vector<double> sigmas = geometric_sigmas(1, 0.01, 5);
  BOOST_TEST(sigmas.size() == 5u);
  BOOST_TEST((sigmas.front() == 1 && std::abs(sigmas.back() - 0.01) < 1e-15));
  for (std::size_t k = 1; k < 5; ++k) {
    BOOST_TEST(sigmas[k] / sigmas[k - 1] == std::pow(0.01, 0.25),
               boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(levels_that_mean_nothing_are_refused) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", 1));
  const auto with = [&](std::vector<double> weights) {
    return test::refusal([&] {
      dsm(energy, kData, {.dim = 3, .sigmas = {0.1, 0.2}, .weights = std::move(weights)});
    });
  };
  BOOST_TEST(with({1}) == "dsm: 1 weights of 2 noise levels: need as many");
  BOOST_TEST(with({1, 0}) == "dsm: weight 0.000000 of a noise level: need above 0");
  BOOST_TEST(with({1, std::nan("")}) == "dsm: weight nan of a noise level: need above 0");
  BOOST_TEST(test::refusal([] { geometric_sigmas(0.1, 1, 3); }) ==
             "geometric_sigmas: 3 levels from 0.100000 to 1.000000: need at least 2 that fall and "
             "stay above 0");
  BOOST_CHECK_THROW(geometric_sigmas(1, 0.1, 1), std::invalid_argument);
  BOOST_CHECK_THROW(geometric_sigmas(1, 0, 3), std::invalid_argument);
}
