#include "mcmc/resample.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <map>

using namespace eqp;
using namespace eqp::mcmc;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::map<std::string, Resampling> kSchemes{{"multinomial", Resampling::multinomial},
                                                 {"residual", Resampling::residual},
                                                 {"stratified", Resampling::stratified},
                                                 {"systematic", Resampling::systematic}};

const std::vector<double> kWeights{0.4, 1.3, 0, 0.05, 3.1, 0.5, 0.45, 2.2};  // of sum 8

std::vector<double> logs(std::vector<double> weights) {
  for (double& w : weights) w = std::log(w) + 1000;  // far from where exp would do
  return weights;
}

std::vector<double> children(Resampling how, std::uint32_t step) {
  std::vector<double> count(kWeights.size());
  for (const std::size_t i : resample(how, logs(kWeights), {.seed = 1}, step)) count[i] += 1;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resampling)

BOOST_AUTO_TEST_CASE(every_scheme_is_unbiased_and_varies_as_it_should) {
  const std::size_t repeats = 20000;
  std::map<std::string, double> variance;  // of sum_i i * children_i
  for (const auto& [name, how] : kSchemes) {
    std::vector<double> sum(kWeights.size()), squares(kWeights.size());
    double total = 0, total_squares = 0, expected = 0;
    for (std::uint32_t t = 0; t < repeats; ++t) {
      const std::vector<double> count = children(how, t);
      double statistic = 0;
      for (std::size_t i = 0; i < count.size(); ++i) {
        sum[i] += count[i];
        squares[i] += std::pow(count[i] - kWeights[i], 2);
        statistic += double(i) * count[i];
      }
      total += statistic;
      total_squares += statistic * statistic;
    }
    const double n = double(repeats);
    for (std::size_t i = 0; i < kWeights.size(); ++i) {
      expected += double(i) * kWeights[i];
      const double error = std::sqrt(squares[i] / n / n);
      BOOST_TEST(std::abs(sum[i] / n - kWeights[i]) <= 4 * error, name << ", particle " << i);
      if (how == Resampling::multinomial) {  // a binomial number
        const double binomial = kWeights[i] * (1 - kWeights[i] / 8);
        BOOST_TEST(std::abs(squares[i] / n - binomial) <= 0.06 * binomial, "particle " << i);
      }
    }
    variance[name] = total_squares / n - std::pow(total / n, 2);
    BOOST_TEST(std::abs(total / n - expected) < 4 * std::sqrt(variance[name] / n), name);
  }
  BOOST_TEST(variance["residual"] < 0.9 * variance["multinomial"]);
  BOOST_TEST(variance["stratified"] < 0.9 * variance["multinomial"]);
  BOOST_TEST(variance["systematic"] < 0.9 * variance["multinomial"]);
}

BOOST_AUTO_TEST_CASE(numbers_of_children_stay_near_their_means) {
  for (std::uint32_t t = 0; t < 500; ++t) {
    const std::vector<double> systematic = children(Resampling::systematic, t),
                              stratified = children(Resampling::stratified, t),
                              residual = children(Resampling::residual, t);
    for (std::size_t i = 0; i < kWeights.size(); ++i) {
      BOOST_TEST(std::abs(systematic[i] - kWeights[i]) < 1);
      BOOST_TEST(std::abs(stratified[i] - kWeights[i]) < 2);
      BOOST_TEST(residual[i] >= std::floor(kWeights[i]));
    }
  }
}

BOOST_AUTO_TEST_CASE(parents_are_ascending_and_a_function_of_key_and_step) {
  for (const auto& [name, how] : kSchemes) {
    const auto parents = resample(how, logs(kWeights), {.seed = 2}, 7);
    BOOST_TEST(parents.size() == kWeights.size(), name);
    BOOST_TEST(std::ranges::is_sorted(parents), name);
    BOOST_TEST(parents == resample(how, logs(kWeights), {.seed = 2}, 7), name);
  }
}

BOOST_AUTO_TEST_CASE(equal_weights_and_single_particles) {
  const std::vector<double> equal(50, -3.0);
  std::vector<double> one(50, -kInfinity);
  one[17] = -700;
  for (const auto& [name, how] : kSchemes) {
    if (how != Resampling::multinomial) {  // each its own child
      const auto parents = resample(how, equal, {.seed = 3});
      for (std::size_t i = 0; i < parents.size(); ++i) {
        BOOST_TEST(std::abs(double(parents[i]) - double(i)) <= 1, name);
      }
    }
    BOOST_TEST(resample(how, one, {.seed = 3}) == std::vector<std::size_t>(50, 17), name);
    BOOST_TEST(resample(how, std::vector{5.0}, {}) == std::vector<std::size_t>{0}, name);
  }
}

BOOST_AUTO_TEST_CASE(weights_that_are_none_are_refused) {
  const auto refused = [](const std::vector<double>& weights, const std::string& text) {
    for (const auto& scheme : kSchemes) {
      BOOST_CHECK_EXCEPTION(resample(scheme.second, weights, {}), std::invalid_argument,
                            [&](const std::invalid_argument& e) {
                              BOOST_TEST_MESSAGE(e.what());
                              return std::string(e.what()).find(text) != std::string::npos;
                            });
    }
  };
  refused({}, "no weights");
  refused({0, std::nan(""), 1}, "log-weight 1 is nan");
  refused({0, 1, kInfinity}, "log-weight 2 is inf");
  refused({-kInfinity, -kInfinity}, "all 2 log-weights are -inf");
}

BOOST_AUTO_TEST_SUITE_END()
