#include <boost/test/unit_test.hpp>

#include "tests/train/support.hpp"
#include "train/dsm.hpp"

using namespace eqp;
using namespace eqp::train;

// Data N(0, v I) in d = 3, U(x) = a |x|^2 / 2: the mean loss is
// d / 2 (1 - 2 a s^2 + a^2 s^2 (v + s^2)) at noise level s.
namespace {

constexpr double kDim = 3, kVariance = 0.5;

struct Model {
  ad::Params params;
  Objective objective;
  Model(double a, std::vector<double> sigmas)
      : objective(dsm(quadratic(scalar(params, "a", a)), gaussian_data({0, 0, 0}, kVariance, {1}),
                      {.dim = 3, .batch = 500, .sigmas = std::move(sigmas), .key = {2}})) {}
};

double mean_loss(double a, double s) {
  return kDim / 2 * (1 - 2 * a * s * s + a * a * s * s * (kVariance + s * s));
}

}  // namespace

BOOST_AUTO_TEST_CASE(score_matching_learns_the_blurred_variance) {
  for (const double s : {0.3, 1.0}) {
    const double best = 1 / (kVariance + s * s);
    Model m(0.2, {s});
    const Mean a = trained(m.params, m.objective, {0.1 / (s * s), 100, 600})[0];
    BOOST_TEST(a.off(best) < 4, a.value() << " +- " << a.error());
    BOOST_TEST(a.error() < 0.01 * best);
  }
}

BOOST_AUTO_TEST_CASE(the_denoising_loss_has_its_known_floor) {
  for (const double s : {0.3, 1.0}) {
    const double best = 1 / (kVariance + s * s);
    BOOST_TEST(mean_loss(best, s) == kDim / 2 * kVariance / (kVariance + s * s),
               boost::test_tools::tolerance(1e-12));
    for (const double a : {best, 0.0, 0.5}) {
      Model m(a, {s});
      const AtRest found = at_rest(m.params, m.objective, 200);
      BOOST_TEST(found.loss.off(mean_loss(a, s)) < 4);
      BOOST_TEST(found.loss.error() < 0.01);
      const double slope = kDim * s * s * (a * (kVariance + s * s) - 1);
      BOOST_TEST(found.gradient[0].off(slope) < 4);
      BOOST_TEST(found.gradient[0].error() < 0.01);
    }
  }
}

BOOST_AUTO_TEST_CASE(several_noise_levels_are_drawn_equally_often) {
  const std::vector<double> sigmas{0.3, 0.6, 1.2};
  Model m(0.5, sigmas);
  double loss = 0, squares = 0, curvature = 0;
  for (const double s : sigmas) {
    loss += mean_loss(0.5, s) / 3;
    squares += s * s;
    curvature += s * s * (kVariance + s * s);
  }
  const AtRest found = at_rest(m.params, m.objective, 300);
  BOOST_TEST(found.loss.off(loss) < 4);
  const Mean a = trained(m.params, m.objective, {0.1, 100, 600})[0];
  BOOST_TEST(a.off(squares / curvature) < 4, a.value() << " +- " << a.error());
  BOOST_TEST(a.error() < 0.01);
}
