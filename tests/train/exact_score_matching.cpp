#include <boost/test/unit_test.hpp>

#include "nn/mlp.hpp"
#include "tests/message.hpp"
#include "tests/train/skewed.hpp"
#include "train/score_matching.hpp"
#include "train/sliced_score_matching.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

constexpr double kRounding = sizeof(Real) == 4 ? 1e-5 : 1e-12;

// All that estimate the loss of score matching.
struct Named {
  std::string name;
  std::function<Objective(mcmc::Energy, DataSource, std::size_t dim, std::size_t batch)> make;
};
std::vector<Named> estimators() {
  const auto sliced = [](SlicedNorm norm, std::size_t directions) {
    return [=](mcmc::Energy u, DataSource data, std::size_t dim, std::size_t batch) {
      return sliced_score_matching(
          std::move(u), std::move(data),
          {.dim = dim, .batch = batch, .directions = directions, .norm = norm, .key = {7}});
    };
  };
  return {{"exact",
           [](mcmc::Energy u, DataSource data, std::size_t dim, std::size_t batch) {
             return score_matching(std::move(u), std::move(data), {.dim = dim, .batch = batch});
           }},
          {"sliced", sliced(SlicedNorm::projected, 1)},
          {"sliced, 4 directions", sliced(SlicedNorm::projected, 4)},
          {"sliced, variance reduced", sliced(SlicedNorm::exact, 1)}};
}

// 1/2 |U'|^2 - U'' on average over the data.
double mean_loss(double a, double theta) {
  const Skewed model{a, theta};
  return Skewed::mean([&](double x) {
    const Skewed::Jet u = model.at(x);
    return u.slope * u.slope / 2 - u.curvature;
  });
}

// The loss of one point of the plane for given directions.
double row_loss(const Objective& objective, std::vector<double> x, std::vector<double> v) {
  std::vector<ad::Tensor> rows;
  rows.emplace_back(ad::Shape{1, 2});
  std::ranges::copy(x, rows[0].flat().begin());
  if (!v.empty()) {
    rows.emplace_back(ad::Shape{1, v.size() / 2, 2});
    std::ranges::copy(v, rows[1].flat().begin());
  }
  return ad::evaluate([&](std::span<const ad::Var> in) -> ad::Vars { return {objective.loss(in)}; },
                      rows)[0][0];
}

}  // namespace

// Data N(m, v I) about the origin's quadratic: v + m^2 in place of v.
BOOST_AUTO_TEST_CASE(score_matching_of_a_gaussian_ends_at_its_precision) {
  const double v = 0.5, d = 3;
  for (const Named& method : estimators()) {
    BOOST_TEST_CONTEXT(method.name) {
      for (const double a : {1 / v, 0.7}) {
        ad::Params params;
        const Objective objective = method.make(quadratic(scalar(params, "a", a)),
                                                gaussian_data({0, 0, 0}, v, {1}), 3, 500);
        const AtRest found = at_rest(params, objective, 300);
        BOOST_TEST(found.loss.off(d * (a * a * v / 2 - a)) < 4);
        BOOST_TEST(found.loss.error() < 0.03);
        BOOST_TEST(found.gradient[0].off(d * (a * v - 1)) < 4);
        BOOST_TEST(found.gradient[0].error() < 0.03);
      }
      ad::Params params;
      const Objective objective = method.make(quadratic(scalar(params, "a", 0.7)),
                                              gaussian_data({0, 0, 0}, v, {1}), 3, 500);
      const Mean a = trained(params, objective, {0.1, 100, 1000})[0];
      BOOST_TEST(a.off(1 / v) < 4, a.value() << " +- " << a.error());
      BOOST_TEST(a.error() < 0.01 / v);
    }
  }
}

// Of a law without any symmetry: loss and gradient by quadrature, wherever the model is, and none
// where it is the data, with -1/2 E|score|^2 as the minimum.
BOOST_AUTO_TEST_CASE(score_matching_of_a_skewed_law_agrees_with_quadrature) {
  const double minimum = Skewed::mean([](double x) {
    const double slope = Skewed{}.at(x).slope;
    return -slope * slope / 2;
  });
  BOOST_TEST(mean_loss(1, Skewed::kTheta) == minimum, boost::test_tools::tolerance(1e-9));
  for (const double slope : slopes(mean_loss, 1, Skewed::kTheta))
    BOOST_TEST(std::abs(slope) < 1e-7);
  for (const Named& method : estimators()) {
    for (const Skewed at : {Skewed{}, Skewed{1.4, 0.5}, Skewed{0.6, -2}}) {
      SkewedModel m(at);
      const AtRest found =
          at_rest(m.params, method.make(m.energy(), skewed_data({3}), 1, 1000), 300);
      const auto gradient = slopes(mean_loss, at.a, at.theta);
      BOOST_TEST_CONTEXT(method.name << " at " << at.a << ", " << at.theta) {
        BOOST_TEST(found.loss.off(mean_loss(at.a, at.theta)) < 4);
        for (std::size_t j = 0; j < 2; ++j) {
          BOOST_TEST(found.gradient[j].off(gradient[j]) < 4);
          BOOST_TEST(found.gradient[j].error() < 0.03);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_sliced_losses_are_those_of_the_paper) {
  const double a = 1.7;
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", a));
  // x = (1, -2), v = (0.5, 1) and (2, 0): v . x = -1.5 and 2, |v|^2 = 1.25 and 4
  const auto loss = [&](SlicedNorm norm) {
    return row_loss(sliced_score_matching(energy, {}, {.dim = 2, .directions = 2, .norm = norm}),
                    {1, -2}, {0.5, 1, 2, 0});
  };
  const double curvature = a * (1.25 + 4) / 2;
  BOOST_TEST(loss(SlicedNorm::projected) == a * a * (2.25 + 4) / 4 - curvature,
             boost::test_tools::tolerance(kRounding));
  BOOST_TEST(loss(SlicedNorm::exact) == a * a * 5 / 2 - curvature,
             boost::test_tools::tolerance(kRounding));
}

// Directions sqrt(d) e_j average to the identity.
BOOST_AUTO_TEST_CASE(slices_along_all_axes_are_the_exact_loss_of_a_network) {
  ad::Params params;
  const nn::Mlp network(params, "net", {2, 8, 8, 1}, ad::tanh, {2});
  const mcmc::Energy energy = [=](ad::Var x) { return sum(network(x), 1); };
  const double exact = row_loss(score_matching(energy, {}, {.dim = 2}), {0.3, -0.8}, {});
  for (const SlicedNorm norm : {SlicedNorm::projected, SlicedNorm::exact}) {
    const Objective sliced =
        sliced_score_matching(energy, {}, {.dim = 2, .directions = 2, .norm = norm});
    const double along = row_loss(sliced, {0.3, -0.8}, {std::sqrt(2), 0, 0, std::sqrt(2)});
    BOOST_TEST(std::abs(along - exact) < 10 * kRounding * (1 + std::abs(exact)));
  }
}

// For U = |x|^2 / 2 and x ~ N(0, I): |x|^2 / 2 - |v|^2 per row against t^2 / 2 - |v|^2 with t = v .
// x, where E t^4 = 3 d (d + 2) and E t^2 |v|^2 = d (d + 2).
BOOST_AUTO_TEST_CASE(the_variance_reduced_form_varies_less) {
  const double d = 3;
  const auto variance = [&](SlicedNorm norm) {
    ad::Params params;
    const Objective objective =
        sliced_score_matching(quadratic(scalar(params, "a", 1)), gaussian_data({0, 0, 0}, 1, {1}),
                              {.dim = 3, .batch = 1000, .norm = norm, .key = {2}});
    const Mean loss = at_rest(params, objective, 400).loss;
    return loss.error() * loss.error() * 400 * 1000;
  };
  // The estimate of a variance from 400 batches is off by sqrt(2 / 400) of it.
  const double reduced = d / 2 + 2 * d, projected = 3 * d * (d + 2) / 4 - d * d / 4;
  BOOST_TEST(std::abs(variance(SlicedNorm::exact) / reduced - 1) < 4 * std::sqrt(2. / 400));
  BOOST_TEST(std::abs(variance(SlicedNorm::projected) / projected - 1) < 4 * std::sqrt(2. / 400));
}

BOOST_AUTO_TEST_CASE(sliced_score_matching_needs_directions) {
  ad::Params params;
  const mcmc::Energy energy = quadratic(scalar(params, "a", 1));
  BOOST_TEST(test::refusal([&] {
               sliced_score_matching(energy, {}, {.dim = 2, .directions = 0});
             }) == "sliced_score_matching: 0 directions: need at least 1");
}
