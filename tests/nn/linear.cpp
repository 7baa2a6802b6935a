#include "nn/linear.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/program.hpp"
#include "tests/nn/naive.hpp"
#include "tests/nn/names.hpp"

using namespace eqp;
using namespace eqp::nn::test;

BOOST_AUTO_TEST_SUITE(linear)

BOOST_AUTO_TEST_CASE(a_layer_without_a_bias_is_a_product) {
  ad::Params params;
  const nn::Linear layer(params, "l", {4, 3}, {1, 0}, nn::without_bias(nn::torch_linear()));
  BOOST_TEST(names(params) == std::vector<std::string>{"l.weight (3, 4)"},
             boost::test_tools::per_element());
  const ad::Tensor x = ad::normal({5, 4}, {2, 0});
  const ad::Tensor y = ad::evaluate([&](auto in) { return ad::Vars{layer(in[0])}; }, {x})[0];
  for (std::size_t i = 0; i < 5; ++i) {
    const Vector expected = Layers(params).linear("l", doubles(x.row(i)));
    for (std::size_t j = 0; j < 3; ++j) BOOST_TEST(std::abs(y(i, j) - expected[j]) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(products_of_columns_add_up_to_the_layer) {
  ad::Params params;
  const nn::Linear layer(params, "l", {5, 3}, {1, 0});
  const auto y = ad::evaluate(
      [&](auto in) {
        const ad::Var left = slice(in[0], 1, 0, 2), right = slice(in[0], 1, 2, 5);
        const ad::Var parts = layer(left, {0, 2}, {0, 3}) + layer.product(right, {2, 5});
        return ad::Vars{layer(in[0]), parts};
      },
      {ad::normal({7, 5}, {2, 0})});
  for (std::size_t i = 0; i < y[0].size(); ++i) {
    BOOST_TEST(std::abs(y[0][i] - y[1][i]) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(a_map_stands_for_the_weight) {
  ad::Params params;
  const auto twice = [](ad::Var w) { return 2.0 * w; };
  const nn::Linear plain(params, "plain", {4, 3}, {1, 0});
  const nn::Linear mapped(params, "mapped", {4, 3}, {1, 0}, nn::torch_linear(), twice);
  const auto y = ad::evaluate(
      [&](auto in) {
        return ad::Vars{mapped(in[0]), plain(2.0 * in[0]), mapped.product(in[0], {0, 4}),
                        plain.product(2.0 * in[0], {0, 4})};
      },
      {ad::normal({6, 4}, {2, 0})});
  for (std::size_t i = 0; i < y[0].size(); ++i) {
    BOOST_TEST(std::abs(y[0][i] - y[1][i]) < kTolerance);
    BOOST_TEST(std::abs(y[2][i] - y[3][i]) < kTolerance);
  }
}

BOOST_AUTO_TEST_SUITE_END()
