#include "nn/norm.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"
#include "tests/message.hpp"
#include "tests/nn/names.hpp"

using namespace eqp;
using eqp::nn::test::names;
using eqp::test::message;

namespace {

const double kTolerance = sizeof(Real) == 8 ? 1e-12 : 1e-5;

// Gives every parameter a value of its own.
void scatter(ad::Params& params) {
  ad::Draws draws({5, 0});
  for (Real& v : params.mutate()) v = Real(draws.normal());
}

// x with each run of `size` elements standardised, by the definition.
std::vector<double> standardised(std::span<const Real> x, std::size_t size) {
  std::vector<double> y(x.begin(), x.end());
  for (std::size_t first = 0; first < y.size(); first += size) {
    double mean = 0, variance = 0;
    for (std::size_t k = 0; k < size; ++k) mean += y[first + k] / double(size);
    for (std::size_t k = 0; k < size; ++k) {
      variance += (y[first + k] - mean) * (y[first + k] - mean) / double(size);
    }
    for (std::size_t k = 0; k < size; ++k) {
      y[first + k] = (y[first + k] - mean) / std::sqrt(variance + 1e-5);
    }
  }
  return y;
}

template <class Layer>
ad::Tensor value(const Layer& layer, const ad::Tensor& x) {
  return ad::evaluate([&](auto in) { return ad::Vars{layer(in[0])}; }, {x})[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(norm)

BOOST_AUTO_TEST_CASE(parameters_have_the_names_of_torch_and_change_nothing_at_first) {
  ad::Params params;
  const nn::GroupNorm group(params, "net.1", {.groups = 2, .channels = 6});
  const nn::LayerNorm layer(params, "net.3", 5);
  const std::vector<std::string> expected = {"net.1.weight (6)", "net.1.bias (6)",
                                             "net.3.weight (5)", "net.3.bias (5)"};
  BOOST_TEST(names(params) == expected, boost::test_tools::per_element());
  const ad::Tensor x = ad::normal({3, 6, 2, 5}, {1, 0});
  const auto by_group = standardised(x.flat(), 30), by_row = standardised(x.flat(), 5);
  const ad::Tensor g = value(group, x), l = value(layer, x);
  for (std::size_t k = 0; k < x.size(); ++k) {
    BOOST_TEST(std::abs(g[k] - by_group[k]) < kTolerance);
    BOOST_TEST(std::abs(l[k] - by_row[k]) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(weights_and_biases_belong_to_channels_at_any_rank) {
  for (const ad::Shape& shape : {ad::Shape{3, 4}, ad::Shape{3, 4, 5}, ad::Shape{3, 4, 2, 5}}) {
    ad::Params params;
    const nn::GroupNorm layer(params, "n", {.groups = 2, .channels = 4});
    scatter(params);
    const ad::Tensor x = ad::normal(shape, {1, 0});
    const std::size_t plane = x.size() / 12;
    const auto expected = standardised(x.flat(), 2 * plane);
    const ad::Tensor y = value(layer, x);
    BOOST_TEST(str(y.shape()) == str(shape));
    for (std::size_t k = 0; k < x.size(); ++k) {
      const std::size_t c = k / plane % 4;
      const double v = expected[k] * params.values()[c] + params.values()[4 + c];
      BOOST_TEST(std::abs(y[k] - v) < kTolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(weights_and_biases_of_a_layer_norm_belong_to_columns) {
  ad::Params params;
  const nn::LayerNorm layer(params, "n", 7);
  scatter(params);
  const ad::Tensor x = ad::normal({4, 7}, {1, 0});
  const auto expected = standardised(x.flat(), 7);
  const ad::Tensor y = value(layer, x);
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double v = expected[k] * params.values()[k % 7] + params.values()[7 + k % 7];
    BOOST_TEST(std::abs(y[k] - v) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(a_mean_far_above_the_spread_does_not_spoil_the_variance) {
  ad::Params params;
  const nn::GroupNorm layer(params, "n", {.groups = 1, .channels = 2});
  ad::Tensor x({1, 2, 4, 4});
  // A whole number has its mean exactly; mean square minus squared mean has nothing left.
  for (std::size_t k = 0; k < 32; ++k) x[k] = Real(100000 + (k % 2 == 0 ? 1 : -1));
  const ad::Tensor y = value(layer, x);
  for (std::size_t k = 0; k < 32; ++k) {
    BOOST_TEST(std::abs(y[k] - (k % 2 == 0 ? 1 : -1) / std::sqrt(1 + 1e-5)) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(gradients_in_inputs_equal_central_differences) {
  ad::Params params;
  const nn::GroupNorm group(params, "g", {.groups = 2, .channels = 4});
  const nn::LayerNorm rows(params, "l", 3);
  scatter(params);
  const ad::Function f = [&](auto in) {
    const ad::Var s = sum(square(rows(group(in[0]))) * in[1]);
    return ad::Vars{s, ad::grad(s, in[0])};
  };
  const ad::Tensor x = ad::normal({2, 4, 3}, {1, 0}), w = ad::normal({2, 4, 3}, {1, 1});
  const ad::Tensor g = ad::evaluate(f, {x, w})[1];
  // In f32 the sum itself rounds, by about 1e-6 of its size.
  const double h = sizeof(Real) == 8 ? 1e-5 : 1e-2, tolerance = sizeof(Real) == 8 ? 1e-7 : 2e-2;
  for (std::size_t k = 0; k < x.size(); ++k) {
    ad::Tensor up = x, down = x;
    up[k] += Real(h), down[k] -= Real(h);
    const double slope =
        (double(ad::evaluate(f, {up, w})[0][0]) - double(ad::evaluate(f, {down, w})[0][0])) /
        (2 * h);
    BOOST_TEST(std::abs(g[k] - slope) < tolerance * std::max(1.0, std::abs(slope)));
  }
}

BOOST_AUTO_TEST_CASE(impossible_norms_are_refused_in_one_line) {
  ad::Params params;
  BOOST_TEST(message([&] { nn::GroupNorm(params, "n", {.groups = 4, .channels = 6}); }) ==
             "group_norm \"n\": 6 channels in 4 groups; need a multiple of the groups");
  BOOST_TEST(message([&] { nn::LayerNorm(params, "n", 0); }) ==
             "layer_norm \"n\": width 0; need at least 1");
  BOOST_TEST(params.size() == 0u);
  const nn::GroupNorm group(params, "g", {.groups = 2, .channels = 6});
  const nn::LayerNorm layer(params, "l", 6);
  ad::Tape tape;
  BOOST_TEST(message([&] {
               group(tape.input({3, 4, 6}));
             }) == "group_norm \"g\": x (3, 4, 6); need (n, 6, ...)");
  BOOST_TEST(message([&] {
               layer(tape.input({3, 6, 4}));
             }) == "layer_norm \"l\": x (3, 6, 4); need (..., 6)");
}

BOOST_AUTO_TEST_SUITE_END()
