#include "nn/deep_sets.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "tests/message.hpp"
#include "tests/nn/naive.hpp"

using namespace eqp;
using namespace eqp::nn::test;
using eqp::test::message;

namespace {

ad::Tensor evaluated(const nn::DeepSets& net, const ad::Tensor& x) {
  return ad::evaluate([&](auto in) { return ad::Vars{net(in[0])}; }, {x})[0];
}

ad::Tensor reshaped(const ad::Tensor& x, const ad::Shape& shape) {
  return ad::Tensor(ad::ConstView{x.view().data, shape});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(deep_sets)

BOOST_AUTO_TEST_CASE(values_equal_a_naive_loop_for_both_pools_and_any_number_of_elements) {
  for (const nn::Pool pool : {nn::Pool::sum, nn::Pool::mean}) {
    for (const std::size_t elements : {1, 4, 7}) {
      ad::Params params;
      const nn::DeepSets net(params, "set", {2, 6, 5}, {5, 4, 3}, ad::silu, {1, 0}, {.pool = pool});
      randomise(params, 1, {3, 0});
      const ad::Tensor x = ad::normal({8, elements, 2}, {2, 0});
      const ad::Tensor y = evaluated(net, x);
      const Layers layers(params);
      BOOST_TEST(str(y.shape()) == "(8, 3)");
      for (std::size_t i = 0; i < 8; ++i) {
        Vector pooled(5);
        for (std::size_t e = 0; e < elements; ++e) {
          const Vector row = doubles(x.row(i).subspan(2 * e, 2));
          pooled = pooled + layers.mlp("set.phi", silu, row);
        }
        if (pool == nn::Pool::mean) {
          for (double& v : pooled) v /= double(elements);
        }
        const Vector expected = layers.mlp("set.rho", silu, pooled);
        // Sums over elements grow, and their rounding with them.
        for (std::size_t j = 0; j < 3; ++j) {
          BOOST_TEST(std::abs(y(i, j) - expected[j]) < 5 * kTolerance);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(elements_may_change_places_and_lie_flat) {
  ad::Params params;
  const nn::DeepSets net(params, "set", {3, 8, 8}, {8, 8, 1}, ad::tanh, {1, 0});
  const ad::Tensor x = ad::normal({6, 5, 3}, {2, 0});
  ad::Tensor moved(x.shape());
  const auto order = ad::permutation(5, {9, 0});
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t e = 0; e < 5; ++e) {
      std::ranges::copy(x.row(i).subspan(3 * order[e], 3), moved.row(i).subspan(3 * e).begin());
    }
  }
  const ad::Tensor y = evaluated(net, x), permuted = evaluated(net, moved);
  const ad::Tensor flat = evaluated(net, reshaped(x, {6, 15}));
  for (std::size_t i = 0; i < 6; ++i) {
    BOOST_TEST(std::abs(y[i] - permuted[i]) < kTolerance);
    BOOST_TEST(y[i] == flat[i]);
  }
}

BOOST_AUTO_TEST_CASE(networks_and_sets_that_do_not_fit_are_refused) {
  ad::Params params;
  const auto build = [&](std::vector<std::size_t> phi, std::vector<std::size_t> rho) {
    return message([&] { nn::DeepSets(params, "set", phi, rho, ad::silu, {1, 0}); });
  };
  BOOST_TEST(build({2, 5}, {4, 1}) ==
             "deep sets \"set\": phi has 5 outputs and rho 4 inputs; need the same");
  BOOST_TEST(build({}, {4, 1}) == "mlp \"set.phi\": widths {}; need at least 2, each at least 1");
  BOOST_TEST(params.size() == 0u);

  const nn::DeepSets net(params, "set", {2, 4}, {4, 1}, ad::silu, {1, 0});
  ad::Tape tape;
  for (const ad::Shape& bad : std::vector<ad::Shape>{{3, 5}, {3, 0}, {3, 4, 3}, {3, 0, 2}, {6}}) {
    BOOST_TEST(message([&] { net(tape.input(bad)); }) ==
               "deep sets \"set\": " + str(bad) + "; need (n, N, 2) or (n, N * 2) with N above 0");
  }
}

BOOST_AUTO_TEST_SUITE_END()
