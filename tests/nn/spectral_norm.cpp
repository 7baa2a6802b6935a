#include "nn/spectral_norm.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "nn/mlp.hpp"
#include "tests/message.hpp"
#include "tests/nn/naive.hpp"

using namespace eqp;
using namespace eqp::nn::test;
using eqp::test::message;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;

// The largest singular value of a row-major (m, n): by power iteration until it stands still.
double exact_norm(const Vector& w, std::size_t m, std::size_t n) {
  Vector v(n, 1);
  for (std::size_t j = 0; j < n; ++j) v[j] += 0.1 * double(j * j % 7);
  double norm = 0;
  for (int k = 0; k < 20000; ++k) {
    Vector u(m), next(n);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) u[i] += w[i * n + j] * v[j];
    }
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) next[j] += w[i * n + j] * u[i];
    }
    double squared = 0;
    for (double x : next) squared += x * x;
    for (double& x : next) x /= std::sqrt(squared);
    v = next;
    norm = std::sqrt(std::sqrt(squared));
  }
  return norm;
}

double estimate(const ad::Tensor& w, std::size_t iterations) {
  return ad::evaluate([&](auto in) { return ad::Vars{nn::spectral_norm(in[0], iterations)}; },
                      {w})[0][0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spectral_norm)

BOOST_AUTO_TEST_CASE(it_is_the_largest_singular_value) {
  for (const ad::Shape& shape : std::vector<ad::Shape>{{6, 6}, {9, 4}, {3, 12}, {1, 5}, {5, 1}}) {
    const ad::Tensor w = ad::normal(shape, {1, 0});
    const double exact = exact_norm(doubles(w.flat()), shape[0], shape[1]);
    BOOST_TEST(std::abs(estimate(w, 200) / exact - 1) < (kDouble ? 1e-9 : 1e-6));
  }
}

BOOST_AUTO_TEST_CASE(the_default_number_of_steps_is_within_a_twentieth_and_never_above) {
  for (std::uint32_t k = 0; k < 5; ++k) {
    const ad::Tensor w = ad::normal({128, 128}, {1, k});
    const double ratio = estimate(w, 15) / exact_norm(doubles(w.flat()), 128, 128);
    BOOST_TEST(ratio > 0.95);
    BOOST_TEST(ratio < 1 + 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(gradients_of_a_normalised_weight_equal_differences_of_the_exact_one) {
  const std::size_t m = 4, n = 3;
  const ad::Tensor w = ad::normal({m, n}, {1, 0}), c = ad::normal({m, n}, {2, 0});
  const ad::Tensor g = ad::evaluate(
      [&](auto in) {
        const ad::Var scaled = nn::spectral_normalisation(100)(in[0]);
        return ad::Vars{ad::grad(sum(scaled * in[1]), in[0])};
      },
      {w, c})[0];
  const auto loss = [&](const Vector& at) {
    double total = 0;
    for (std::size_t i = 0; i < m * n; ++i) total += at[i] * c[i];
    return total / exact_norm(at, m, n);
  };
  for (std::size_t i = 0; i < m * n; ++i) {
    Vector up = doubles(w.flat()), down = up;
    up[i] += 1e-5, down[i] -= 1e-5;
    BOOST_TEST(std::abs(g[i] - (loss(up) - loss(down)) / 2e-5) < (kDouble ? 1e-8 : 1e-5));
  }
}

BOOST_AUTO_TEST_CASE(a_network_of_normalised_layers_is_lipschitz) {
  ad::Params params;
  const nn::Mlp net(params, "net", {4, 32, 32, 1}, ad::tanh, {1, 0},
                    {.init = nn::normal(1), .map = nn::spectral_normalisation()});
  const nn::Mlp loose(params, "loose", {4, 32, 32, 1}, ad::tanh, {1, 0}, {.init = nn::normal(1)});
  const ad::Tensor x = ad::normal({500, 4}, {2, 0}), step = ad::normal({500, 4}, {3, 0});
  const auto y = ad::evaluate(
      [&](auto in) {
        const ad::Var near = in[0] + 0.1 * in[1];
        return ad::Vars{net(in[0]), net(near), loose(in[0]), loose(near)};
      },
      {x, step});
  double steepest = 0, loosest = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    double distance = 0;
    for (Real v : step.row(i)) distance += 0.01 * v * v;
    const auto slope = [&](std::size_t k) {
      return std::abs(double(y[k][i]) - y[k + 1][i]) / std::sqrt(distance);
    };
    steepest = std::max(steepest, slope(0));
    loosest = std::max(loosest, slope(2));
  }
  BOOST_TEST(steepest < 1.16);  // three layers, each within 5 %
  BOOST_TEST(steepest > 0.1);   // and not because the network is constant
  BOOST_TEST(loosest > 3);
}

BOOST_AUTO_TEST_CASE(it_runs_once_per_update_of_the_parameters) {
  ad::Params params;
  const nn::Linear plain(params, "plain", {8, 8}, {1, 0});
  const nn::Linear layer(params, "l", {8, 8}, {1, 0}, nn::torch_linear(),
                         nn::spectral_normalisation());
  const auto kernels = [](const nn::Linear& f) {
    return ad::compile({{4, 8}}, [&](auto in) { return ad::Vars{f(in[0])}; }).n_kernels();
  };
  BOOST_TEST(kernels(layer) == kernels(plain));
}

BOOST_AUTO_TEST_CASE(no_iterations_are_refused) {
  ad::Tape tape;
  BOOST_TEST(message([&] {
               nn::spectral_norm(tape.input({2, 2}), 0);
             }) == "spectral_norm: 0 iterations; need at least 1");
}

BOOST_AUTO_TEST_SUITE_END()
