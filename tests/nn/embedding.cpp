#include "nn/embedding.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/program.hpp"
#include "tests/message.hpp"
#include "tests/nn/naive.hpp"

using namespace eqp;
using namespace eqp::nn::test;
using eqp::test::message;

namespace {

ad::Tensor values(const ad::Shape& shape, const Vector& v) {
  ad::Tensor t(shape);
  std::ranges::transform(v, t.flat().begin(), [](double x) { return Real(x); });
  return t;
}

// Angles reach 1000, whose rounding in f32 is 3e-5 of a turn.
const double kAngles = sizeof(Real) == 8 ? 1e-12 : 2e-4;

}  // namespace

BOOST_AUTO_TEST_SUITE(embedding)

BOOST_AUTO_TEST_CASE(sinusoids_are_cosines_then_sines_of_falling_frequency) {
  const Vector t{0, 0.3, 1, -2.5, 1000};
  const auto embed = [](auto in) { return ad::Vars{nn::sinusoidal_embedding(in[0], 8)}; };
  const ad::Tensor y = ad::evaluate(embed, {values({5}, t)})[0];
  const ad::Tensor column = ad::evaluate(embed, {values({5, 1}, t)})[0];
  BOOST_TEST(str(y.shape()) == "(5, 8)");
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      const double w = std::pow(10000, -double(j) / 4), angle = double(Real(t[i])) * w;
      BOOST_TEST(std::abs(y(i, j) - std::cos(angle)) < kAngles);
      BOOST_TEST(std::abs(y(i, 4 + j) - std::sin(angle)) < kAngles);
    }
  }
  BOOST_TEST(doubles(y.flat()) == doubles(column.flat()), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(fourier_features_are_waves_along_their_frequencies) {
  const ad::Tensor b = nn::random_frequencies({3, 2}, 1.5, {1, 0}), x = ad::normal({6, 2}, {2, 0});
  const ad::Tensor y =
      ad::evaluate([&](auto in) { return ad::Vars{nn::fourier_features(in[0], b)}; }, {x})[0];
  BOOST_TEST(str(y.shape()) == "(6, 6)");
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      const double turns = double(b(j, 0)) * x(i, 0) + double(b(j, 1)) * x(i, 1);
      BOOST_TEST(std::abs(y(i, j) - std::cos(2 * std::numbers::pi * turns)) < kTolerance);
      BOOST_TEST(std::abs(y(i, 3 + j) - std::sin(2 * std::numbers::pi * turns)) < kTolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(inner_products_of_fourier_features_estimate_a_gaussian_kernel) {
  // E cos(2 pi b (x - y)) = exp(-2 pi^2 std^2 |x - y|^2) for b ~ N(0, std^2).
  const std::size_t m = 20000;
  const ad::Tensor b = nn::random_frequencies({m, 1}, 0.5, {1, 0});
  const ad::Tensor y =
      ad::evaluate([&](auto in) { return ad::Vars{nn::fourier_features(in[0], b)}; },
                   {values({2}, {0, 0.4})})[0];
  double product = 0;
  for (std::size_t j = 0; j < 2 * m; ++j) product += double(y(0, j)) * y(1, j) / double(m);
  const double kernel = std::exp(-2 * std::numbers::pi * std::numbers::pi * 0.25 * 0.16);
  // The variance of a cosine is at most 1/2 here; 4 standard errors.
  BOOST_TEST(std::abs(product - kernel) < 4 * std::sqrt(0.5 / double(m)));
}

BOOST_AUTO_TEST_CASE(frequencies_are_a_function_of_the_key) {
  const auto a = nn::random_frequencies({8, 2}, 2, {1, 0});
  const auto b = nn::random_frequencies({8, 2}, 2, {1, 0});
  const auto other = nn::random_frequencies({8, 2}, 2, {1, 1});
  BOOST_TEST(doubles(a.flat()) == doubles(b.flat()), boost::test_tools::per_element());
  for (std::size_t i = 0; i < 16; ++i) BOOST_TEST(a[i] != other[i]);
}

BOOST_AUTO_TEST_CASE(other_shapes_and_odd_channels_are_refused) {
  ad::Tape tape;
  const auto embed = [&](const ad::Shape& shape, std::size_t channels) {
    return message([&] { nn::sinusoidal_embedding(tape.input(shape), channels); });
  };
  BOOST_TEST(embed({4, 2}, 8) == "column: (4, 2); need (n) or (n, 1)");
  BOOST_TEST(embed({4}, 7) == "sinusoidal_embedding: 7 channels; need an even number above 0");
  BOOST_TEST(embed({4}, 0) == "sinusoidal_embedding: 0 channels; need an even number above 0");
}

BOOST_AUTO_TEST_SUITE_END()
