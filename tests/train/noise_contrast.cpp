#include <boost/test/unit_test.hpp>
#include <numbers>

#include "flows/realnvp.hpp"
#include "mcmc/proposal.hpp"
#include "tests/train/support.hpp"
#include "train/nce.hpp"

using namespace eqp;
using namespace eqp::train;

// Data N(0, v I), U(x) = a |x|^2 / 2: the optimum is a = 1 / v with log_z = d / 2 log(2 pi v), for
// any noise and any number of noise points.
namespace {

struct Model {
  ad::Params params;
  mcmc::Energy energy;
  Objective objective;
  Model(double a, double log_z, std::size_t dim, double variance, double noise_variance,
        std::size_t nu)
      : energy(quadratic(scalar(params, "a", a))),
        objective(nce(energy, params, gaussian_data({0}, variance, {1}),
                      mcmc::gaussian_proposal(std::vector<double>(dim, 0),
                                              std::vector<double>(dim, std::sqrt(noise_variance))),
                      {.batch = 1000, .noise_per_point = nu, .key = {2}})) {
    BOOST_TEST(params.values()[1] == 0);  // the added log_z
    params.mutate()[1] = Real(log_z);
  }
};

double log_z(double dim, double variance) {
  return dim / 2 * std::log(2 * std::numbers::pi * variance);
}

struct Known {
  double noise_variance;
  std::size_t nu;
  double loss;
};

}  // namespace

// Minimal losses for data N(0, 1) and noise N(0, t) by quadrature.
BOOST_AUTO_TEST_CASE(the_noise_contrastive_loss_has_its_known_minimum) {
  for (const auto& [noise_variance, nu, loss] :
       {Known{1, 1, 1.386294}, Known{2, 1, 1.331280}, Known{4, 1, 1.200828}, Known{9, 1, 1.013306},
        Known{2, 10, 3.261528}, Known{9, 10, 2.749573}}) {
    Model m(1, log_z(1, 1), 1, 1, noise_variance, nu);
    const AtRest found = at_rest(m.params, m.objective, 100);
    BOOST_TEST_CONTEXT("noise variance " << noise_variance << ", nu " << nu) {
      // Where noise and data agree every row loses the same.
      const double rounding = 1e-5;
      BOOST_TEST(std::abs(found.loss.value() - loss) < 4 * found.loss.error() + rounding);
      BOOST_TEST(found.loss.error() < 0.005);
      for (const Mean& g : found.gradient) {
        BOOST_TEST(std::abs(g.value()) < 4 * g.error() + rounding);
        BOOST_TEST(g.error() < 0.005);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(noise_contrast_learns_precision_and_normaliser) {
  for (const std::size_t nu : {1, 3}) {
    const double v = 0.5;
    Model m(0.7, 0, 2, v, 1.2, nu);
    const std::vector<Mean> found = trained(m.params, m.objective, {0.5, 300, 1000});
    BOOST_TEST(found[0].off(1 / v) < 4, found[0].value() << " +- " << found[0].error());
    BOOST_TEST(found[1].off(log_z(2, v)) < 4, found[1].value() << " +- " << found[1].error());
    BOOST_TEST(found[0].error() < 0.01);
    BOOST_TEST(found[1].error() < 0.01);
  }
}

// Whatever the noise, the optimum is the data's own density; here the noise is a flow that is no
// Gaussian any more.
BOOST_AUTO_TEST_CASE(noise_from_a_flow_has_its_optimum_at_the_data_too) {
  const double v = 0.5;
  ad::Params flow_params;
  const flows::Flow flow =
      flows::realnvp(flow_params, "flow", 2,
                     {.blocks = 2, .form = flows::CouplingForm::plain, .base_variance = 1.2}, {3});
  ad::Draws draws({4});
  for (Real& w : flow_params.mutate()) w += Real(0.2 * draws.normal());
  const auto gradient = [&](double a) {
    ad::Params params;
    const mcmc::Energy energy = quadratic(scalar(params, "a", a));
    const Objective objective = nce(energy, params, gaussian_data({0}, v, {1}),
                                    mcmc::from_flow(flow), {.batch = 1000, .key = {2}});
    params.mutate()[1] = Real(log_z(2, v));
    return at_rest(params, objective, 200).gradient;
  };
  for (const Mean& g : gradient(1 / v)) {
    BOOST_TEST(std::abs(g.value()) < 4 * g.error());
    BOOST_TEST(g.error() < 0.005);
  }
  BOOST_TEST(std::abs(gradient(1.1 / v)[0].value()) > 10 * gradient(1 / v)[0].error());
}
