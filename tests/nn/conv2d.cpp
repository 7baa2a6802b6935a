#include "nn/conv2d.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"
#include "tests/nn/names.hpp"

using namespace eqp;
using eqp::nn::test::names;
using eqp::test::message;

namespace {

const double kTolerance = sizeof(Real) == 8 ? 1e-12 : 1e-5;

std::size_t at(const ad::Shape& s, std::size_t i, std::size_t j, std::size_t k, std::size_t l) {
  return ((i * s[1] + j) * s[2] + k) * s[3] + l;
}

bool within(std::span<const Real> values, double bound) {
  return std::ranges::all_of(values,
                             [&](Real v) { return v != 0 && std::abs(v) <= bound * (1 + 1e-6); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conv2d_layers)

BOOST_AUTO_TEST_CASE(parameters_have_the_names_and_layouts_of_torch) {
  ad::Params params;
  const nn::Conv2d down(params, "net.0", {.in = 3, .out = 8, .kernel = {3, 5}}, {1, 0});
  const nn::ConvTranspose2d up(params, "net.2", {.in = 8, .out = 2, .kernel = 4, .stride = 2},
                               {1, 1});
  const nn::Conv2d plain(params, "net.4",
                         {.in = 2, .out = 1, .init = {nn::torch_linear().weight, {}}}, {1, 2});
  const std::vector<std::string> expected = {"net.0.weight (8, 3, 3, 5)", "net.0.bias (8)",
                                             "net.2.weight (8, 2, 4, 4)", "net.2.bias (2)",
                                             "net.4.weight (1, 2, 1, 1)"};
  BOOST_TEST(names(params) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(first_values_are_uniform_within_one_over_root_of_the_inputs_of_an_output) {
  ad::Params params;
  const nn::Conv2d down(params, "down", {.in = 3, .out = 80, .kernel = {3, 5}}, {1, 0});
  const std::size_t n = params.size();
  const double bound = 1 / std::sqrt(3 * 15.0);
  BOOST_TEST(within(params.values(), bound));
  BOOST_TEST(std::ranges::max(params.values()) > 0.99 * bound);
  // torch.nn.ConvTranspose2d takes the second axis of its weight for the inputs.
  const nn::ConvTranspose2d up(params, "up", {.in = 80, .out = 3, .kernel = {3, 5}}, {1, 1});
  BOOST_TEST(within(params.values().subspan(n), bound));
  BOOST_TEST(std::ranges::max(params.values().subspan(n)) > 0.99 * bound);
}

BOOST_AUTO_TEST_CASE(a_convolution_equals_a_naive_loop) {
  ad::Params params;
  const nn::Conv2d layer(params, "c",
                         {.in = 2, .out = 3, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}},
                         {1, 0});
  const ad::Tensor x = ad::normal({2, 2, 5, 4}, {2, 0});
  const ad::Tensor y = ad::evaluate([&](auto in) { return ad::Vars{layer(in[0])}; }, {x})[0];
  BOOST_TEST_REQUIRE(str(y.shape()) == "(2, 3, 3, 3)");
  const auto &w = params.entries()[0], &b = params.entries()[1];
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t o = 0; o < 3; ++o) {
      for (std::size_t p = 0; p < 3; ++p) {
        for (std::size_t q = 0; q < 3; ++q) {
          double sum = params.values()[b.offset + o];
          for (std::size_t c = 0; c < 2; ++c) {
            for (std::size_t i = 0; i < 3; ++i) {
              for (std::size_t j = 0; j < 2; ++j) {
                const std::size_t row = 2 * p + i - 1;
                if (row >= 5) continue;
                sum += double(params.values()[w.offset + at(w.shape, o, c, i, j)]) *
                       double(x[at(x.shape(), n, c, row, q + j)]);
              }
            }
          }
          BOOST_TEST(std::abs(y[at(y.shape(), n, o, p, q)] - sum) < kTolerance);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_transposed_convolution_equals_a_naive_loop) {
  ad::Params params;
  const nn::ConvTranspose2d layer(
      params, "c",
      {.in = 2, .out = 3, .kernel = 3, .stride = 2, .padding = 1, .output_padding = {1, 0}},
      {1, 0});
  const ad::Tensor x = ad::normal({2, 2, 3, 4}, {2, 0});
  const ad::Tensor y = ad::evaluate([&](auto in) { return ad::Vars{layer(in[0])}; }, {x})[0];
  BOOST_TEST_REQUIRE(str(y.shape()) == "(2, 3, 6, 7)");
  const auto &w = params.entries()[0], &b = params.entries()[1];
  std::vector<double> expected(y.size());
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t o = 0; o < 3; ++o) {
      for (std::size_t k = 0; k < 42; ++k) {
        expected[(n * 3 + o) * 42 + k] = params.values()[b.offset + o];
      }
      for (std::size_t c = 0; c < 2; ++c) {
        for (std::size_t p = 0; p < 3; ++p) {
          for (std::size_t q = 0; q < 4; ++q) {
            for (std::size_t i = 0; i < 3; ++i) {
              for (std::size_t j = 0; j < 3; ++j) {
                const std::size_t row = 2 * p + i - 1, column = 2 * q + j - 1;
                if (row >= 6 || column >= 7) continue;
                expected[at(y.shape(), n, o, row, column)] +=
                    double(params.values()[w.offset + at(w.shape, c, o, i, j)]) *
                    double(x[at(x.shape(), n, c, p, q)]);
              }
            }
          }
        }
      }
    }
  }
  for (std::size_t k = 0; k < y.size(); ++k) BOOST_TEST(std::abs(y[k] - expected[k]) < kTolerance);
}

BOOST_AUTO_TEST_CASE(every_parameter_of_a_layer_gets_a_gradient) {
  ad::Params params;
  const nn::Conv2d down(params, "down", {.in = 1, .out = 4, .kernel = 3, .stride = 2}, {1, 0});
  const nn::ConvTranspose2d up(params, "up", {.in = 4, .out = 1, .kernel = 3}, {1, 1});
  const ad::Tensor g =
      ad::evaluate([&](auto in) { return ad::Vars{ad::grad(up(ad::tanh(down(in[0]))), params)}; },
                   {ad::normal({2, 1, 7, 7}, {2, 0})})[0];
  BOOST_TEST(std::ranges::none_of(g.flat(), [](Real v) { return v == 0; }));
}

BOOST_AUTO_TEST_CASE(impossible_layers_are_refused_in_one_line) {
  ad::Params params;
  BOOST_TEST(
      message([&] {
        nn::Conv2d(params, "c", {.in = 0, .out = 2, .kernel = 3}, {1, 0});
      }) == "conv2d \"c\": 0 to 2 channels, kernel (3, 3), stride (1, 1); need at least 1 of each");
  BOOST_TEST(message([&] {
               nn::ConvTranspose2d(params, "c", {.in = 1, .out = 2, .kernel = {3, 0}}, {1, 0});
             }) ==
             "conv_transpose2d \"c\": 1 to 2 channels, kernel (3, 0), stride (1, 1); need at "
             "least 1 of each");
  BOOST_TEST(params.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
