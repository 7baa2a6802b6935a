#include "train/classifier.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "mcmc/mode_weights.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

// 0.7 N(-m, S) + 0.3 N(m, S) with m = (0.5, 1) and S = diag(1, 4): the log odds of class 1 are 2 m
// S^-1 x + log(3/7), a plane; the classes are `delta` apart in units of S.
struct TwoGaussians {
  double prior = 0.3;
  double delta = 2 * std::sqrt(0.5 * 0.5 / 1 + 1 * 1 / 4.);

  double log_odds(double x, double y) const {
    return 2 * (0.5 * x / 1 + 1 * y / 4) + std::log(prior / (1 - prior));
  }
  /// Of the best of all classifiers.
  double accuracy() const {
    const double shift = std::log(prior / (1 - prior)) / delta;
    return (1 - prior) * normal_cdf(delta / 2 - shift) + prior * normal_cdf(delta / 2 + shift);
  }
  Labelled draw(std::size_t n, ad::Key key) const {
    ad::Tensor x = ad::normal({n, 2}, key);
    Labelled data{.points = {}, .labels = std::vector<std::size_t>(n), .classes = 2};
    for (std::size_t i = 0; i < n; ++i) {
      data.labels[i] = ad::Draws(key.fork(1), std::uint32_t(i)).uniform() < prior;
      const Real side = data.labels[i] == 1 ? 1 : -1;
      x(i, 0) += Real(0.5) * side;
      x(i, 1) = 2 * x(i, 1) + side;
    }
    data.points = Rows(std::move(x));
    return data;
  }
};

// Clusters far apart at the corners of a triangle in the first two of four coordinates, class k
// with weight weights[k].
const std::vector<double> kWeights{0.6, 0.3, 0.1};
ad::Tensor cluster(std::size_t k, std::size_t n, ad::Key key) {
  ad::Tensor x = ad::normal({n, 4}, key);
  const double angle = 2 * std::numbers::pi * double(k) / 3;
  for (std::size_t i = 0; i < n; ++i) {
    x(i, 0) += Real(6 * std::cos(angle));
    x(i, 1) += Real(6 * std::sin(angle));
  }
  return x;
}
Labelled clusters(std::size_t n, ad::Key key) {
  ad::Tensor x({n, 4});
  Labelled data{.points = {}, .labels = std::vector<std::size_t>(n), .classes = 3};
  for (std::size_t i = 0; i < n; ++i) {
    const double u = ad::Draws(key, std::uint32_t(i)).uniform();
    data.labels[i] = u < kWeights[0] ? 0 : u < kWeights[0] + kWeights[1] ? 1 : 2;
    const ad::Tensor row = cluster(data.labels[i], 1, key.fork(std::uint32_t(i)));
    std::ranges::copy(row.flat(), x.row(i).begin());
  }
  data.points = Rows(std::move(x));
  return data;
}

ad::Tensor points(const Labelled& data) {
  ad::Tensor x({data.points.rows(), data.points.cols()});
  data.points.copy(0, x);
  return x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(classifier)

BOOST_AUTO_TEST_CASE(two_gaussians_are_told_apart_as_by_the_bayes_classifier) {
  const TwoGaussians law;
  const Labelled training = law.draw(20000, {1}), test = law.draw(20000, {2});
  for (const auto& hidden : {std::vector<std::size_t>{}, std::vector<std::size_t>{16}}) {
    const Classifier c(training, {.hidden = hidden, .batch = 200, .steps = 1500, .key = {3}});
    const Fraction accuracy = c.accuracy(test);
    BOOST_TEST(std::abs(accuracy.value - law.accuracy()) < 4 * accuracy.standard_error,
               accuracy.value << " +- " << accuracy.standard_error << ", best " << law.accuracy());
    BOOST_TEST(accuracy.standard_error < 0.003);
    if (!hidden.empty()) continue;
    // The plane: coefficients have standard errors of 0.02 to 0.03, and the descent a part of that.
    for (const auto& [x, y] : {std::pair{0.0, 0.0}, {1.0, -1.0}, {-0.5, 2.0}}) {
      ad::Tensor at({1, 2});
      at[0] = Real(x), at[1] = Real(y);
      const ad::Tensor log_p = c.log_probabilities(at);
      BOOST_TEST(std::abs(double(log_p[1]) - log_p[0] - law.log_odds(x, y)) < 0.12);
      BOOST_TEST(std::abs(std::exp(log_p[0]) + std::exp(log_p[1]) - 1) < 1e-5);
    }
  }
}

BOOST_AUTO_TEST_CASE(votes_are_modes_whose_counts_have_multinomial_errors) {
  const Classifier c(clusters(600, {4}), {.hidden = {16}, .steps = 300, .key = {5}});
  const Modes modes = c.modes();
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(mode_counts(cluster(k, 300, {6, std::uint32_t(k)}), modes)[k] == 300u);
  }
  const Labelled sample = clusters(2000, {7});
  const std::vector<std::size_t> counts = mode_counts(points(sample), modes);
  const SampleWeightError error = weight_error(counts, 2000, kWeights);
  BOOST_TEST(error.max_z < 4);
  BOOST_TEST(weight_error(counts, 2000, std::vector{0.1, 0.3, 0.6}).max_z > 20);
  const std::vector<std::size_t> votes = c.labels(points(sample));
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(counts[k] == std::size_t(std::ranges::count(votes, k)));
  }
  // As a Labelling of draws, too.
  const ad::Tensor draws = points(sample).reshaped({20, 100, 4});
  const mcmc::Labels labels =
      mcmc::label(draws, 3, [&](std::span<const Real> x) { return std::uint32_t(modes.of(x)); });
  BOOST_TEST(mcmc::mode_weights(labels).modes[1].weight.value == double(counts[1]) / 2000,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(far_away_logits_do_not_overflow) {
  const Classifier c(clusters(300, {4}), {.hidden = {}, .steps = 100, .key = {5}});
  ad::Tensor far({1, 4});
  far[0] = Real(1e6);
  const ad::Tensor log_p = c.log_probabilities(far);
  for (const Real v : log_p.flat()) BOOST_TEST(std::isfinite(v));
  BOOST_TEST(*std::ranges::max_element(log_p.flat()) == 0);
  BOOST_TEST(*std::ranges::min_element(log_p.flat()) < -1e4);
}

BOOST_AUTO_TEST_CASE(jitter_blurs_what_is_learned) {
  const Labelled data = clusters(600, {4});
  const auto confidence = [&](double jitter) {
    const Classifier c(
        data, {.hidden = {}, .steps = 600, .learning_rate = 0.03, .jitter = jitter, .key = {5}});
    const ad::Tensor log_p = c.log_probabilities(cluster(0, 200, {8}));
    double sum = 0;
    for (std::size_t i = 0; i < 200; ++i) sum += log_p(i, 0) / 200;
    return sum;
  };
  BOOST_TEST(confidence(0) > -0.01);
  BOOST_TEST(confidence(5) < -0.05);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_learned_from_is_refused) {
  const auto refusal = [](std::vector<std::size_t> labels, std::size_t classes) {
    return test::refusal([&] {
      Classifier({Rows(ad::normal({4, 2}, {1})), std::move(labels), classes}, {.steps = 1});
    });
  };
  BOOST_TEST(refusal({0, 1, 0}, 2) == "classifier: 3 labels of 4 points; need one each");
  BOOST_TEST(refusal({0, 0, 0, 0}, 1) == "classifier: 1 classes; need at least 2");
  BOOST_TEST(refusal({0, 1, 3, 1}, 3) ==
             "classifier: label 3 of point 2; classes count from 0 to 2");
  BOOST_TEST(refusal({1, 1, 1, 1}, 2) ==
             "classifier: no point of class 0; need one of each to learn from");
  BOOST_TEST(refusal({}, 2) == "classifier: 0 labels of 4 points; need one each");
  const Classifier c(clusters(30, {4}), {.hidden = {}, .steps = 1});
  const std::string columns = "classifier: points of 2 columns; need 4";
  BOOST_TEST(test::refusal([&] { c.labels(ad::Tensor({3, 2})); }) == columns);
  BOOST_TEST(test::refusal([&] { c.modes().of(std::vector<Real>(2)); }) == columns);
  BOOST_TEST(test::refusal([&] { c.accuracy({.points = {}, .labels = {}, .classes = 3}); }) ==
             "classifier: an accuracy of no points");
  ad::Params params;
  const nn::Mlp network(params, "net", {4, 2}, ad::silu, {1});
  BOOST_TEST(test::refusal([&] { cross_entropy(network, clusters(30, {4}), {}); }) ==
             "classifier: a network of 2 outputs; need 3");
}

BOOST_AUTO_TEST_SUITE_END()
