#include <boost/test/unit_test.hpp>

#include "mcmc/proposal.hpp"
#include "tests/train/methods.hpp"
#include "tests/train/support.hpp"
#include "train/cd.hpp"
#include "train/dsm.hpp"
#include "train/nce.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

constexpr bool kSingle = sizeof(Real) == 4;

// The mean over the batch, as a plain function of the parameters.
class MeanLoss {
 public:
  MeanLoss(ad::Params& params, const Objective& objective, const Inputs& inputs)
      : params_(params),
        at_(ad::Batched(objective.row_shapes, [&](std::span<const ad::Var> in) -> ad::Vars {
              return {objective.loss(in)};
            }).workspace(objective.batch)) {
    for (std::size_t k = 0; k < inputs.tensors.size(); ++k) {
      std::ranges::copy(inputs.tensors[k].flat(), at_.in(k).data);
    }
  }
  // With parameter i moved by h.
  double operator()(std::size_t i, double h) {
    const Real old = params_.values()[i];
    params_.mutate()[i] = Real(old + h);
    at_.run();
    params_.mutate()[i] = old;
    double sum = 0;
    for (const Real v : at_.out(0).flat()) sum += v;
    return sum / double(at_.out(0).size());
  }

 private:
  ad::Params& params_;
  ad::Workspace at_;
};

// One row of a loss, by its recording.
double row_loss(const Objective& objective, const std::vector<std::vector<double>>& in) {
  std::vector<ad::Tensor> rows;
  for (const auto& values : in) {
    rows.emplace_back(ad::Shape{1, values.size()});
    std::ranges::copy(values, rows.back().flat().begin());
  }
  return ad::evaluate([&](std::span<const ad::Var> x) -> ad::Vars { return {objective.loss(x)}; },
                      rows)[0][0];
}

double softplus(double v) { return std::log1p(std::exp(v)); }

struct OneParameter {
  ad::Params params;
  mcmc::Energy energy = quadratic(scalar(params, "a", 1.7));
  DataSource data = gaussian_data({0, 0}, 1, {1});
};

constexpr double kRowTolerance = kSingle ? 1e-5 : 1e-12;

}  // namespace

// Five-point differences: error h^4, and rounding 1e-7 / h in f32.
BOOST_AUTO_TEST_CASE(an_update_follows_the_gradient_of_the_mean_loss_of_every_method) {
  const double h = kSingle ? 3e-2 : 1e-3, tolerance = kSingle ? 1e-4 : 1e-9;
  for (Method& m : all_methods(150)) {
    if (!m.plain_gradient) continue;
    Inputs inputs(m.objective);
    inputs.feed(m.objective, 0);
    std::vector<double> gradient;
    Update update(m.name, *m.params, m.objective.row_shapes, m.objective.loss,
                  std::make_unique<Probe>(gradient), {});
    const Update::Result result = update.step(inputs.read(), 1);
    MeanLoss loss(*m.params, m.objective, inputs);
    BOOST_TEST_CONTEXT(m.name) {
      BOOST_TEST(gradient.size() == m.params->size());
      BOOST_TEST(std::abs(result.loss - loss(0, 0)) < kRowTolerance * 10);
      double square = 0;
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        const double difference =
            (8 * (loss(i, h) - loss(i, -h)) - (loss(i, 2 * h) - loss(i, -2 * h))) / (12 * h);
        BOOST_TEST(std::abs(gradient[i] - difference) < tolerance * (1 + std::abs(difference)));
        square += difference * difference;
      }
      BOOST_TEST(square > 1e-6);  // there is something to follow
      BOOST_TEST(std::abs(result.gradient_norm - std::sqrt(square)) < 10 * tolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_contrastive_loss_is_data_minus_negatives) {
  OneParameter m;
  const double data = 1.7 / 2 * (1 + 4), negative = 1.7 / 2 * 9;
  const auto loss = [&](double regulariser) {
    return row_loss(cd(m.energy, m.data, {.dim = 2, .regulariser = regulariser}), {{1, 2}, {0, 3}});
  };
  BOOST_TEST(loss(0) == data - negative, boost::test_tools::tolerance(kRowTolerance));
  BOOST_TEST(loss(0.1) == data - negative + 0.1 * (data * data + negative * negative),
             boost::test_tools::tolerance(kRowTolerance));
}

// grad U(x + s e) should be e / s: 1/2 |s a (x + s e) - e|^2.
BOOST_AUTO_TEST_CASE(the_denoising_loss_is_the_weighted_distance_to_the_score) {
  OneParameter m;
  const double s = 0.3, x[] = {1, -2}, e[] = {0.5, 0.25};
  double expected = 0;
  for (int j = 0; j < 2; ++j) {
    const double miss = s * 1.7 * (x[j] + s * e[j]) - e[j];
    expected += miss * miss / 2;
  }
  BOOST_TEST(row_loss(dsm(m.energy, m.data, {.dim = 2}), {{1, -2}, {0.5, 0.25}, {s}}) == expected,
             boost::test_tools::tolerance(kRowTolerance));
}

BOOST_AUTO_TEST_CASE(the_noise_contrastive_loss_is_the_logistic_one) {
  OneParameter m;
  const double mean = 0.5, sd = 2, log_z = 0.4;
  const Objective objective =
      nce(m.energy, m.params, m.data, mcmc::gaussian_proposal({mean, mean}, {sd, sd}),
          {.noise_per_point = 2});
  m.params.mutate()[1] = Real(log_z);
  const auto log_odds = [&](double x, double y) {
    const double square = std::pow((x - mean) / sd, 2) + std::pow((y - mean) / sd, 2);
    const double log_q = -square / 2 - 2 * std::log(sd) - std::log(2 * std::numbers::pi);
    return -1.7 / 2 * (x * x + y * y) - log_z - log_q - std::log(2);
  };
  // Standard normals (-0.5, 1) and (0.25, 0) are the points (-0.5, 2.5) and (1, 0.5).
  BOOST_TEST(
      row_loss(objective, {{1, 0.2}, {-0.5, 1, 0.25, 0}}) ==
          softplus(-log_odds(1, 0.2)) + softplus(log_odds(-0.5, 2.5)) + softplus(log_odds(1, 0.5)),
      boost::test_tools::tolerance(kRowTolerance));
}

BOOST_AUTO_TEST_CASE(methods_refuse_settings_that_mean_nothing) {
  OneParameter m;
  BOOST_CHECK_THROW(dsm(m.energy, m.data, {.dim = 2, .sigmas = {}}), std::invalid_argument);
  for (const double sigma : {0.0, -0.1, std::nan("")}) {
    BOOST_CHECK_THROW(dsm(m.energy, m.data, {.dim = 2, .sigmas = {0.1, sigma}}),
                      std::invalid_argument);
  }
  BOOST_CHECK_THROW(nce(m.energy, m.params, m.data, mcmc::gaussian_proposal({0, 0}, {1, 1}),
                        {.noise_per_point = 0}),
                    std::invalid_argument);
}
