#include "train/data/dequantise.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "tests/message.hpp"
#include "tests/train/support.hpp"

namespace eqp::train {
namespace {

/// (n, d) of every level in turn.
ad::Tensor levels_in_turn(std::size_t n, std::size_t d, std::size_t levels) {
  ad::Tensor x({n, d});
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Real(i % levels);
  return x;
}

ad::Tensor dequantised(ad::Tensor x, std::size_t levels, const ad::BlockRng& rng) {
  dequantise(x, levels, rng);
  return x;
}

bool equal(ad::ConstView a, ad::ConstView b) { return std::ranges::equal(a.flat(), b.flat()); }

std::string refusal(ad::Tensor x, std::size_t levels) {
  return test::refusal([&] { dequantise(x, levels, {{1}}); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_dequantise)

BOOST_AUTO_TEST_CASE(no_noise_leaves_its_level_not_even_by_rounding) {
  for (const std::size_t levels : {2u, 17u, 256u, 4096u}) {
    const ad::Tensor x = levels_in_turn(500, 1024, levels);
    const ad::Tensor y = dequantised(x, levels, {{4, 1}, 3});
    std::size_t lost = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      lost += !(y[i] > 0 && y[i] < 1);
      lost += std::floor(Real(levels) * y[i]) != x[i];
      lost += std::floor(double(levels) * double(y[i])) != double(x[i]);
    }
    BOOST_TEST(lost == 0u);
  }
}

// u has mean 1/2 and variance 1/12, u^2 has variance 1/5 - 1/9.
BOOST_AUTO_TEST_CASE(noise_is_uniform_within_the_level_and_independent_of_its_neighbours) {
  const ad::Tensor x = levels_in_turn(400, 100, 16);
  const ad::Tensor y = dequantised(x, 16, {{4, 1}, 3});
  Mean first, second, along, across;
  std::vector<double> u(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) u[i] = 16 * double(y[i]) - double(x[i]) - 0.5;
  for (std::size_t i = 0; i < x.size(); ++i) {
    first.add(u[i]);
    second.add(u[i] * u[i]);
    if (i % 100 > 0) along.add(u[i] * u[i - 1]);
    if (i >= 100) across.add(u[i] * u[i - 100]);
  }
  BOOST_TEST(first.off(0) < 3);
  BOOST_TEST(second.off(1 / 12.0) < 3);
  BOOST_TEST(along.off(0) < 3);
  BOOST_TEST(across.off(0) < 3);
}

BOOST_AUTO_TEST_CASE(noise_is_a_function_of_key_step_and_row) {
  // Rows of more than one task.
  const ad::Tensor x = levels_in_turn(300, 300, 256);
  const ad::Tensor y = dequantised(x, 256, {{4, 1}, 3});
  BOOST_TEST(equal(dequantised(x, 256, {{4, 1}, 3}), y));
  BOOST_TEST(!equal(dequantised(x, 256, {{4, 1}, 4}), y));
  BOOST_TEST(!equal(dequantised(x, 256, {{4, 2}, 3}), y));
  for (const std::size_t first : {0u, 1u, 113u, 299u}) {
    const ad::Tensor rest(x.view().slice(first, 300 - first));
    const ad::BlockRng rng{{4, 1}, 3, std::uint32_t(first)};
    BOOST_TEST(equal(dequantised(rest, 256, rng), y.view().slice(first, 300 - first)));
  }
  for (const std::size_t threads : {1u, 2u, 4u}) {
    ad::with_threads(threads, [&] { BOOST_TEST(equal(dequantised(x, 256, {{4, 1}, 3}), y)); });
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_level_is_refused) {
  for (const double bad : {0.5, -1.0, 7.0, std::nan("")}) {
    ad::Tensor x = levels_in_turn(4, 3, 7);
    x(2, 1) = Real(bad);
    BOOST_TEST(refusal(x, 7) == "dequantise: row 2, column 1 (from 0) is " +
                                    std::to_string(Real(bad)) +
                                    ", expected a whole number from 0 to 6");
  }
  BOOST_TEST(refusal(ad::Tensor({2, 2}), 1).starts_with("dequantise: 1 levels; need 2 to "));
  if constexpr (sizeof(Real) == 4) {
    BOOST_TEST(refusal(ad::Tensor({2, 2}), 4097) == "dequantise: 4097 levels; need 2 to 4096");
  }
}

BOOST_AUTO_TEST_CASE(a_model_that_knows_nothing_needs_all_bits_and_a_sharp_one_none) {
  BOOST_TEST(bits_per_dim(0, 784, 256) == 8);
  // All mass on one cell of (1/256)^d: density 256^d there.
  BOOST_TEST(std::abs(bits_per_dim(784 * std::log(256.0), 784, 256)) < 1e-12);
}

// p(x) = 3 x^2 on (0, 1) gives level k of L the mass ((k + 1)^3 - k^3) / L^3. The noise is averaged
// over by the midpoint rule.
BOOST_AUTO_TEST_CASE(bits_of_the_noisy_data_bound_those_of_the_levels_from_above) {
  constexpr std::size_t levels = 8, points = 20000;
  double bound = 0, exact = 0;
  for (std::size_t k = 0; k < levels; ++k) {
    const double low = double(k) / levels, high = double(k + 1) / levels;
    const double mass = std::pow(high, 3) - std::pow(low, 3);
    double bits = 0;
    for (std::size_t i = 0; i < points; ++i) {
      const double x = (double(k) + (double(i) + 0.5) / points) / levels;
      bits += bits_per_dim(std::log(3 * x * x), 1, levels) / points;
    }
    BOOST_TEST(bits > -std::log2(mass));
    // E log2 x^2 over the cell in closed form, from the antiderivative x log x - x.
    const auto f = [](double x) { return x > 0 ? x * std::log2(x) - x / std::numbers::ln2 : 0.0; };
    const double closed =
        std::log2(double(levels)) - std::log2(3.0) - 2 * levels * (f(high) - f(low));
    BOOST_TEST(std::abs(bits - closed) < 1e-4);  // the midpoint rule at the singularity of log
    bound += mass * bits;
    exact -= mass * std::log2(mass);
  }
  BOOST_TEST(bound > exact);
  BOOST_TEST(bound - exact < 0.05);  // the density varies little within most cells

  // A density that is constant within the cells meets the bound.
  BOOST_TEST(std::abs(bits_per_dim(std::log(levels * 0.3), 1, levels) + std::log2(0.3)) < 1e-12);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
