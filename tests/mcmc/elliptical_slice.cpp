#include "mcmc/elliptical_slice.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "flows/base.hpp"
#include "flows/full_gaussian.hpp"
#include "flows/mixture.hpp"
#include "flows/uniform.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

using Base = std::shared_ptr<const flows::Base>;

const std::vector<double> kMean{1, -2}, kCovariance{1.5, 0.6, 0.6, 0.8};

Base correlated() { return std::make_shared<flows::FullGaussian>(kMean, kCovariance); }

template <class F>
std::string refused(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(elliptical_slice)

BOOST_AUTO_TEST_CASE(a_target_equal_to_the_base_takes_every_first_point) {
  const Base lattice = std::make_shared<flows::FullGaussian>(flows::lattice_gaussian());
  for (const Base& base : {correlated(), lattice}) {
    const std::size_t d = base->dim();
    const EllipticalSlice kernel([=](ad::Var x) { return 3 - base->log_prob(x); }, base, {});
    const auto result = run(kernel, ad::Tensor({50, d}), {.steps = 40});
    BOOST_TEST(result.counts.proposed == result.counts.accepted);
    BOOST_TEST(result.counts.accepted == 50.0 * 40);
  }
}

BOOST_AUTO_TEST_CASE(a_step_on_the_base_itself_is_an_ellipse_with_a_uniform_angle) {
  // From x the point is m + (x - m) cos t + v sin t: mean m and covariance
  // ((x - m)(x - m)' + C) / 2.
  const EllipticalSlice kernel([](ad::Var x) { return -correlated()->log_prob(x); }, correlated(),
                               {});
  const std::size_t n = 60000;
  ad::Tensor x0({n, 2});
  for (std::size_t i = 0; i < n; ++i) {
    x0(i, 0) = 3;
    x0(i, 1) = -3.5;
  }
  const ad::Tensor x = run(kernel, x0, {.steps = 1, .key = {.seed = 1}}).last;
  const double offset[] = {3 - kMean[0], -3.5 - kMean[1]};
  for (std::size_t j = 0; j < 2; ++j) {
    for (std::size_t k = 0; k < 2; ++k) {
      double mean = 0, product = 0, products = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double a = double(x(i, j)) - kMean[j], b = double(x(i, k)) - kMean[k];
        mean += a / double(n);
        product += a * b / double(n);
        products += a * b * a * b / double(n);
      }
      const double expected = (offset[j] * offset[k] + kCovariance[j * 2 + k]) / 2;
      BOOST_TEST(std::abs(product - expected) <
                 4 * std::sqrt((products - product * product) / double(n)));
      BOOST_TEST(std::abs(mean) <
                 4 * std::sqrt((offset[j] * offset[j] + kCovariance[j * 3]) / 2 / double(n)));
    }
  }
}

BOOST_AUTO_TEST_CASE(trained_parameters_of_the_base_move_the_ellipse_with_them) {
  ad::Params params;
  const auto base = std::make_shared<flows::TrainableGaussian>(params, "base", 1);
  const Energy energy = gaussian({.mean = {0.5}, .covariance = {0.3}}).energy;
  const EllipticalSlice kernel(energy, base, {});
  const ad::Tensor x0 = ad::normal({30, 1}, {.seed = 4});
  Chains chains(kernel, x0);
  params.mutate()[0] = Real(0.5);
  params.mutate()[1] = Real(0.5 * std::log(0.3));
  chains.refresh(kernel);
  chains.advance(kernel, 0, 20, {.seed = 5});
  BOOST_TEST(chains.counts().rate() == 1.0);  // now the target's own law
}

BOOST_AUTO_TEST_CASE(a_chain_without_a_slice_says_so) {
  // Parameters that moved without a refresh: the cached energy is one the energy never has.
  ad::Params params;
  const ad::Param shift = params.add("shift", {1}, [](std::span<Real> v) { v[0] = 0; });
  const Energy energy = [=](ad::Var x) { return sum(square(x) + shift.on(*x.tape), 1); };
  const EllipticalSlice kernel(
      energy, std::make_shared<flows::DiagonalGaussian>(std::vector<double>{1}), {});
  Chains chains(kernel, ad::Tensor({5, 1}), 2);
  params.mutate()[0] = 1000;
  BOOST_CHECK_EXCEPTION(
      chains.advance(kernel, 0, 1, {}), ad::NonFinite, [](const ad::NonFinite& e) {
        BOOST_TEST_MESSAGE(e.what());
        const std::string text = e.what();
        return text.starts_with("chain 0 at step 0: EllipticalSlice: no point of the slice") &&
               text.ends_with("; refresh after parameters or positions changed");
      });
  chains.refresh(kernel);
  chains.advance(kernel, 0, 100, {});
}

BOOST_AUTO_TEST_CASE(a_base_that_is_not_gaussian_is_refused) {
  const Energy energy = [](ad::Var x) { return sum(square(x), 1); };
  ad::Params params;
  const Base mixture = std::make_shared<flows::TrainableMixture>(
      params, "m", 2, flows::MixtureOptions{.components = 3, .spread = 3}, ad::Key{1, 0});
  BOOST_TEST(refused([&] { EllipticalSlice(energy, mixture, {}); }) ==
             "EllipticalSlice: the base is not Gaussian: it draws 2 coordinates from 3 normals");
  const Base box =
      std::make_shared<flows::UniformBox>(std::vector<double>{0, 0}, std::vector<double>{1, 1});
  BOOST_TEST(refused([&] { EllipticalSlice(energy, box, {}); }) ==
             "EllipticalSlice: the base is not Gaussian: its draws are not affine in the normals");
  BOOST_TEST(refused([&] { EllipticalSlice(energy, correlated(), {.max_shrinks = 0}); }) ==
             "EllipticalSlice: max_shrinks 0; need at least 1");
}

BOOST_AUTO_TEST_SUITE_END()
