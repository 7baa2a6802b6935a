#include <boost/test/unit_test.hpp>

#include "mcmc/proposal.hpp"
#include "tests/train/support.hpp"
#include "train/dsm.hpp"
#include "train/nce.hpp"

using namespace eqp;
using namespace eqp::train;

// Which methods see the relative weight of two modes: p_w = w N(-m, 1) + (1 - w) N(m, 1) with the
// one parameter theta = log(w / (1 - w)).
namespace {

struct Model {
  ad::Params params;
  mcmc::Energy energy;
  Model(double m, double w) {
    const ad::Param theta = scalar(params, "theta", std::log(w / (1 - w)));
    energy = [=](ad::Var x) {
      const ad::Var t = theta.on(*x.tape);
      const ad::Var left = -softplus(-t) - 0.5 * square(x + m);
      const ad::Var right = -softplus(t) - 0.5 * square(x - m);
      return -ad::logsumexp(ad::concat({left, right}, 1), 1);
    };
  }
};

// The mixture with components of another variance.
DataSource mixture(double m, double w, double variance) {
  return [=](std::uint32_t t, ad::View out) {
    const ad::BlockRng rng{{1}, t};
    rng.normal(out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double mean = rng.uniform(i) < w ? -m : m;
      out[i] = Real(mean + std::sqrt(variance) * double(out[i]));
    }
  };
}

Objective denoising(const Model& model, double m, double w, double sigma) {
  return dsm(model.energy, mixture(m, w, 1 - sigma * sigma),
             {.dim = 1, .batch = 2000, .sigmas = {sigma}, .key = {2}});
}

}  // namespace

// Data and noise together have the law p_0.5, so that the loss of p_0.9 exceeds that of p_0.5 by
// sigma^2 / 2 times the mean squared distance of the two scores, known by quadrature: 0.1999 for
// modes at +-2, 0.02628 at +-3, 1.5e-5 at +-5.
BOOST_AUTO_TEST_CASE(score_matching_hardly_sees_the_weights_of_distant_modes) {
  const double sigma = 0.5;
  const auto excess = [&](double m) {
    Mean result;
    std::vector<double> losses;
    for (const double w : {0.5, 0.9}) {
      Model model(m, w);
      std::vector<double> unused;
      fit(model.params, denoising(model, m, 0.5, sigma), std::make_unique<Probe>(unused),
          {.steps = 300}, [&](std::uint32_t step, const StepLog& log) {
            if (w == 0.5) losses.push_back(log.loss);
            if (w == 0.9) result.add(log.loss - losses[step - 1]);  // of the same data and noise
            return true;
          });
    }
    return result;
  };
  const std::vector<std::pair<double, double>> known{{2, 0.1999}, {3, 0.02628}};
  for (const auto& [m, distance] : known) {
    const Mean found = excess(m);
    const double expected = sigma * sigma / 2 * distance;
    BOOST_TEST(found.off(expected) < 4, found.value() << " +- " << found.error());
    BOOST_TEST(found.error() < 0.07 * expected);
  }
  BOOST_TEST(std::abs(excess(5).value()) < 5e-5);
}

BOOST_AUTO_TEST_CASE(noise_contrast_finds_the_weights_that_score_matching_leaves_alone) {
  const double m = 5, w = 0.7, logit = std::log(w / (1 - w));
  Model blind(m, 0.5), seeing(m, 0.5);
  fit(blind.params, denoising(blind, m, w, 0.5), sgd(),
      {.steps = 400, .learning_rate = constant(1)});
  BOOST_TEST(std::abs(blind.params.values()[0]) < 0.05);

  const Objective objective =
      nce(seeing.energy, seeing.params, mixture(m, w, 1),
          mcmc::gaussian_proposal({0}, {std::sqrt(1 + m * m)}), {.batch = 500, .key = {3}});
  const Mean theta = trained(seeing.params, objective, {1, 100, 600})[0];
  BOOST_TEST(theta.off(logit) < 4, theta.value() << " +- " << theta.error());
  BOOST_TEST(theta.error() < 0.03);
}
