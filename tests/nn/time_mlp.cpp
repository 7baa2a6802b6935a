#include "nn/time_mlp.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"
#include "tests/nn/naive.hpp"

using namespace eqp;
using namespace eqp::nn::test;
using eqp::test::message;

namespace {

const auto evaluated = [](const nn::TimeMlp& net, const ad::Tensor& t, const ad::Tensor& x) {
  return ad::evaluate([&](auto in) { return ad::Vars{net(in[0], in[1])}; }, {t, x})[0];
};

}  // namespace

BOOST_AUTO_TEST_SUITE(time_mlp)

BOOST_AUTO_TEST_CASE(values_equal_a_naive_loop) {
  ad::Params params;
  const nn::TimeMlp net(params, "net", {.inputs = 3, .width = 8, .outputs = 2}, {1, 0});
  randomise(params, 1, {3, 0});
  const ad::Tensor t = ad::uniform({9}, {4, 0}), x = ad::normal({9, 3}, {2, 0});
  const ad::Tensor y = evaluated(net, t, x);
  const Layers layers(params);
  for (std::size_t i = 0; i < 9; ++i) {
    Vector e(8);
    for (std::size_t j = 0; j < 4; ++j) {
      const double w = std::pow(10000, -double(j) / 4);
      e[j] = std::cos(t[i] * w);
      e[4 + j] = std::sin(t[i] * w);
    }
    Vector z = layers.linear("net.input_embed", doubles(x.row(i))) + e;
    for (const std::string k : {"0", "1"}) {
      const Vector inner = e + layers.linear("net.layers." + k, each(gelu, z));
      z = z + layers.linear("net.layers_post_time_skip." + k, each(gelu, inner));
    }
    const Vector expected = layers.linear("net.out_layer", each(gelu, z));
    for (std::size_t j = 0; j < 2; ++j) BOOST_TEST(std::abs(y(i, j) - expected[j]) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(it_begins_within_1e_6_of_zero) {
  ad::Params params;
  const nn::TimeMlp net(params, "net", {.inputs = 2, .width = 64, .outputs = 2}, {1, 0});
  const ad::Tensor y = evaluated(net, ad::uniform({50}, {4, 0}), ad::normal({50, 2}, {2, 0}));
  // |y| <= 1e-6 / 8 (sum |act(z)| + 1) over 64 units of order one.
  for (Real v : y.flat()) BOOST_TEST(std::abs(v) < 2e-5);
  const auto last = params.values().last(64 * 2 + 2);
  for (Real v : last) BOOST_TEST(std::abs(v) <= 1e-6 / 8 * (1 + 1e-6));
  BOOST_TEST(std::ranges::any_of(last, [](Real v) { return std::abs(v) > 0.9e-6 / 8; }));
}

BOOST_AUTO_TEST_CASE(every_parameter_and_the_time_have_a_gradient) {
  ad::Params params;
  const nn::TimeMlp net(params, "net", {.inputs = 2, .width = 6, .outputs = 1}, {1, 0},
                        {.blocks = 1, .activation = ad::silu, .last = nn::torch_linear()});
  const auto g = ad::evaluate(
      [&](auto in) {
        const ad::Var y = net(in[0], in[1]);
        return ad::Vars{ad::grad(y, params), ad::grad(y, in[0])};
      },
      {ad::uniform({9}, {4, 0}), ad::normal({9, 2}, {2, 0})});
  for (Real v : g[0].flat()) BOOST_TEST(v != 0);
  for (Real v : g[1].flat()) BOOST_TEST(v != 0);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_not_finite_is_reported_with_its_layer) {
  ad::Params params;
  const nn::TimeMlp net(params, "net", {.inputs = 2, .width = 4, .outputs = 1}, {1, 0});
  params.mutate()[12] = std::numeric_limits<Real>::quiet_NaN();  // the first of net.layers.0
  ad::Workspace ws =
      ad::compile({{3}, {3, 2}}, [&](auto in) { return ad::Vars{net(in[0], in[1])}; }).workspace();
  BOOST_TEST(message([&] { ws.run_checked(); }).find("net.layers.0") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_odd_width_is_refused) {
  ad::Params params;
  BOOST_TEST(message([&] {
               nn::TimeMlp(params, "net", {.inputs = 2, .width = 5, .outputs = 1}, {1, 0});
             }) == "time mlp \"net\": width 5; need an even number");
  BOOST_TEST(params.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
