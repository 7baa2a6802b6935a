#include "nn/mlp.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
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

// The network by the book, in double: y_o = b_o + sum_i W_oi x_i, read off the parameters by name.
std::vector<double> naive(const std::vector<double>& parameters, const ad::Params& params,
                          std::vector<double> x, double (*activation)(double)) {
  const auto& entries = params.entries();
  for (std::size_t l = 0; l < entries.size(); l += 2) {
    const std::size_t n_out = entries[l].shape[0], n_in = entries[l].shape[1];
    const double *w = &parameters[entries[l].offset], *b = &parameters[entries[l + 1].offset];
    std::vector<double> y(n_out);
    for (std::size_t o = 0; o < n_out; ++o) {
      y[o] = b[o];
      for (std::size_t i = 0; i < n_in; ++i) y[o] += w[o * n_in + i] * x[i];
      if (l + 2 < entries.size()) y[o] = activation(y[o]);
    }
    x = y;
  }
  return x;
}

double silu(double v) { return v / (1 + std::exp(-v)); }

std::vector<double> doubles(std::span<const Real> v) { return {v.begin(), v.end()}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(mlp)

BOOST_AUTO_TEST_CASE(parameters_have_the_names_and_layout_of_torch_sequential) {
  ad::Params params;
  const nn::Mlp net(params, "net", {2, 32, 64, 1}, ad::silu, {1, 0});
  const std::vector<std::string> expected = {"net.0.weight (32, 2)",  "net.0.bias (32)",
                                             "net.2.weight (64, 32)", "net.2.bias (64)",
                                             "net.4.weight (1, 64)",  "net.4.bias (1)"};
  BOOST_TEST(names(params) == expected, boost::test_tools::per_element());
  BOOST_TEST(net.n_inputs() == 2u);
  BOOST_TEST(net.n_outputs() == 1u);
}

BOOST_AUTO_TEST_CASE(the_energy_of_the_balanced_ebm_experiments_has_10593_parameters) {
  ad::Params params;
  const auto leaky = [](ad::Var x) { return ad::leaky_relu(x, 0.05); };
  const nn::Mlp net(params, "net", {2, 32, 64, 64, 64, 1}, leaky, {1, 0}, {.last = nn::zeros()});
  BOOST_TEST(params.size() == 10593u);
  const ad::Tensor y =
      ad::evaluate([&](auto in) { return ad::Vars{net(in[0])}; }, {ad::normal({5, 2}, {2, 0})})[0];
  for (Real v : y.flat()) BOOST_TEST(v == 0);
  const auto hidden = params.values().first(params.size() - 65);
  BOOST_TEST(std::ranges::none_of(hidden, [](Real v) { return v == 0; }));
}

BOOST_AUTO_TEST_CASE(values_equal_a_naive_loop) {
  ad::Params params;
  const nn::Mlp net(params, "net", {3, 7, 5, 2}, ad::silu, {1, 0});
  const ad::Tensor x = ad::normal({11, 3}, {2, 0});
  const ad::Tensor y = ad::evaluate([&](auto in) { return ad::Vars{net(in[0])}; }, {x})[0];
  for (std::size_t i = 0; i < 11; ++i) {
    const auto expected = naive(doubles(params.values()), params, doubles(x.row(i)), silu);
    for (std::size_t j = 0; j < 2; ++j) {
      BOOST_TEST(std::abs(y(i, j) - expected[j]) < kTolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_in_inputs_and_parameters_equal_central_differences) {
  ad::Params params;
  const nn::Mlp net(params, "net", {2, 6, 4, 1}, ad::silu, {1, 0});
  const ad::Tensor x = ad::normal({3, 2}, {2, 0});
  const auto gradients = ad::evaluate(
      [&](auto in) {
        const ad::Var energy = sum(net(in[0]), 1);
        return ad::Vars{ad::grad(energy, in[0]), ad::grad(energy, params)};
      },
      {x});
  const double h = 1e-5, tolerance = sizeof(Real) == 8 ? 1e-9 : 1e-5;
  const auto energy = [&](const std::vector<double>& parameters, const std::vector<double>& row) {
    return naive(parameters, params, row, silu)[0];
  };
  const auto parameters = doubles(params.values());
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      auto up = doubles(x.row(i)), down = up;
      up[j] += h, down[j] -= h;
      const double slope = (energy(parameters, up) - energy(parameters, down)) / (2 * h);
      BOOST_TEST(std::abs(gradients[0](i, j) - slope) < tolerance);
    }
  }
  for (std::size_t p = 0; p < params.size(); ++p) {
    auto up = parameters, down = parameters;
    up[p] += h, down[p] -= h;
    double slope = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      slope += (energy(up, doubles(x.row(i))) - energy(down, doubles(x.row(i)))) / (2 * h);
    }
    BOOST_TEST(std::abs(gradients[1][p] - slope) < tolerance);
  }
}

BOOST_AUTO_TEST_CASE(restricted_columns_equal_the_full_map_of_a_masked_input) {
  ad::Params params;
  const nn::Mlp net(params, "net", {5, 6, 4}, ad::tanh, {1, 0});
  const nn::Columns in{1, 4}, out{2, 4};
  const ad::Tensor part = ad::normal({7, 3}, {2, 0});
  const auto values = ad::evaluate(
      [&](auto v) {
        const ad::Var masked = ad::pad(v[0], 1, 1, 1);
        return ad::Vars{net(v[0], in, out), slice(net(masked), 1, 2, 4)};
      },
      {part});
  BOOST_TEST(str(values[0].shape()) == "(7, 2)");
  for (std::size_t i = 0; i < values[0].size(); ++i) {
    BOOST_TEST(std::abs(values[0][i] - values[1][i]) < kTolerance);
  }
}

BOOST_AUTO_TEST_CASE(first_values_depend_on_the_key_and_the_position_only) {
  ad::Params a, b, c, other;
  const nn::Mlp net_a(a, "a", {2, 8, 8, 1}, ad::silu, {1, 0});
  b.add("first", {13}, [](auto) {});
  const nn::Mlp net_b(b, "b", {2, 8, 8, 1}, ad::tanh, {1, 0});
  BOOST_TEST(doubles(a.values()) == doubles(b.values().subspan(13)),
             boost::test_tools::per_element());
  // Another last layer leaves the layers before it alone.
  const nn::Mlp net_c(c, "c", {2, 8, 8, 3}, ad::silu, {1, 0}, {.last = nn::normal(1)});
  const std::size_t shared = 3 * 8 + 9 * 8;
  BOOST_TEST(doubles(a.values().first(shared)) == doubles(c.values().first(shared)),
             boost::test_tools::per_element());
  const nn::Mlp net_other(other, "a", {2, 8, 8, 1}, ad::silu, {1, 1});
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a.values()[i] == other.values()[i];
  BOOST_TEST(equal == 0u);
}

BOOST_AUTO_TEST_CASE(layers_of_one_network_begin_differently) {
  ad::Params params;
  const nn::Mlp net(params, "net", {8, 8, 8}, ad::silu, {1, 0});
  for (std::size_t i = 0; i < 72; ++i) BOOST_TEST(params.values()[i] != params.values()[72 + i]);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_not_finite_is_reported_with_its_layer) {
  ad::Params params;
  const nn::Mlp net(params, "net", {2, 4, 1}, ad::silu, {1, 0});
  const auto first_bad = [&](std::size_t parameter) {
    const Real kept = params.values()[parameter];
    params.mutate()[parameter] = std::numeric_limits<Real>::quiet_NaN();
    const auto program = ad::compile({{3, 2}}, [&](auto in) { return ad::Vars{net(in[0])}; });
    ad::Workspace ws = program.workspace();
    std::ranges::fill(ws.in(0).flat(), Real(1));
    const std::string text = message([&] { ws.run_checked(); });
    params.mutate()[parameter] = kept;
    return text;
  };
  BOOST_TEST(first_bad(0).find("net.0") != std::string::npos);
  BOOST_TEST(first_bad(12).find("net.2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(impossible_widths_are_refused_in_one_line) {
  ad::Params params;
  const auto build = [&](std::vector<std::size_t> widths) {
    return message([&] { nn::Mlp(params, "net", widths, ad::silu, {1, 0}); });
  };
  BOOST_TEST(build({}) == "mlp \"net\": widths {}; need at least 2, each at least 1");
  BOOST_TEST(build({3}) == "mlp \"net\": widths {3}; need at least 2, each at least 1");
  BOOST_TEST(build({2, 0, 1}) == "mlp \"net\": widths {2, 0, 1}; need at least 2, each at least 1");
  BOOST_TEST(params.size() == 0u);
  BOOST_TEST(message([&] {
               nn::Linear(params, "l", {0, 1}, {1, 0});
             }) == "linear \"l\": 0 inputs and 1 outputs; need at least 1 of each");
}

BOOST_AUTO_TEST_CASE(an_input_of_the_wrong_width_is_refused_with_both_shapes) {
  ad::Params params;
  const nn::Mlp net(params, "net", {2, 4, 1}, ad::silu, {1, 0});
  ad::Tape tape;
  const std::string text = message([&] { net(tape.input({5, 3})); });
  BOOST_TEST(text.find("(5, 3)") != std::string::npos);
  BOOST_TEST(text.find("(4, 2)") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
