#include "nn/residual_mlp.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"
#include "tests/nn/naive.hpp"
#include "tests/nn/names.hpp"

using namespace eqp;
using namespace eqp::nn::test;
using eqp::test::message;

BOOST_AUTO_TEST_SUITE(residual_mlp)

BOOST_AUTO_TEST_CASE(parameters_have_the_names_of_sequential_blocks) {
  ad::Params params;
  const nn::ResidualMlp net(params, "net", {.inputs = 3, .width = 8, .blocks = 2, .outputs = 1},
                            ad::silu, {1, 0});
  const std::vector<std::string> expected = {
      "net.input.weight (8, 3)",      "net.input.bias (8)",
      "net.blocks.0.1.weight (8, 8)", "net.blocks.0.1.bias (8)",
      "net.blocks.0.3.weight (8, 8)", "net.blocks.0.3.bias (8)",
      "net.blocks.1.1.weight (8, 8)", "net.blocks.1.1.bias (8)",
      "net.blocks.1.3.weight (8, 8)", "net.blocks.1.3.bias (8)",
      "net.output.weight (1, 8)",     "net.output.bias (1)"};
  BOOST_TEST(names(params) == expected, boost::test_tools::per_element());
  BOOST_TEST(net.n_inputs() == 3u);
  BOOST_TEST(net.n_outputs() == 1u);
}

BOOST_AUTO_TEST_CASE(values_equal_a_naive_loop) {
  for (const std::size_t blocks : {0, 1, 3}) {
    ad::Params params;
    const nn::ResidualMlp net(
        params, "net", {.inputs = 3, .width = 7, .blocks = blocks, .outputs = 2}, ad::silu, {1, 0});
    randomise(params, 1, {3, 0});
    const ad::Tensor x = ad::normal({11, 3}, {2, 0});
    const ad::Tensor y = ad::evaluate([&](auto in) { return ad::Vars{net(in[0])}; }, {x})[0];
    const Layers layers(params);
    for (std::size_t i = 0; i < 11; ++i) {
      Vector h = layers.linear("net.input", doubles(x.row(i)));
      for (std::size_t k = 0; k < blocks; ++k) {
        const std::string block = "net.blocks." + std::to_string(k);
        h = h + layers.linear(block + ".3", each(silu, layers.linear(block + ".1", each(silu, h))));
      }
      const Vector expected = layers.linear("net.output", each(silu, h));
      for (std::size_t j = 0; j < 2; ++j) BOOST_TEST(std::abs(y(i, j) - expected[j]) < kTolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_parameter_has_a_gradient_and_layers_begin_differently) {
  ad::Params params;
  const nn::ResidualMlp net(params, "net", {.inputs = 2, .width = 6, .blocks = 2, .outputs = 1},
                            ad::silu, {1, 0});
  const ad::Tensor g = ad::evaluate([&](auto in) { return ad::Vars{ad::grad(net(in[0]), params)}; },
                                    {ad::normal({9, 2}, {2, 0})})[0];
  for (Real v : g.flat()) BOOST_TEST(v != 0);
  const auto values = params.values();
  for (std::size_t i = 0; i < 36; ++i) BOOST_TEST(values[18 + i] != values[18 + 42 + i]);
}

BOOST_AUTO_TEST_CASE(initialisers_are_those_of_the_options) {
  ad::Params params;
  const nn::ResidualMlp net(params, "net", {.inputs = 2, .width = 6, .blocks = 1, .outputs = 2},
                            ad::silu, {1, 0}, {.init = nn::normal(1), .last = nn::zeros()});
  const ad::Tensor y =
      ad::evaluate([&](auto in) { return ad::Vars{net(in[0])}; }, {ad::normal({4, 2}, {2, 0})})[0];
  for (Real v : y.flat()) BOOST_TEST(v == 0);
  BOOST_TEST(params.values()[12] == 0);  // normal() has zero bias, the default has not
}

BOOST_AUTO_TEST_CASE(a_width_of_zero_is_refused) {
  ad::Params params;
  BOOST_TEST(message([&] {
               nn::ResidualMlp(params, "net", {.width = 0}, ad::silu, {1, 0});
             }) == "linear \"net.input\": 1 inputs and 0 outputs; need at least 1 of each");
}

BOOST_AUTO_TEST_SUITE_END()
