#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "autodiff/random.hpp"

// The draws of a block, made many at once, against the generator one counter at a time.
using eqp::Real;
using namespace eqp::ad;

BOOST_AUTO_TEST_CASE(uniforms_of_a_whole_block_are_those_of_its_rows) {
  // Chains that wrap around, and lengths about the number drawn at once.
  const BlockRng rng{{0x123456789abcdef0u, 7}, 11, 0xfffffff0u};
  for (const std::size_t n : {0u, 1u, 31u, 32u, 33u, 100u}) {
    for (const std::uint32_t index : {0u, 3u}) {
      std::vector<double> u(n), expected;
      rng.uniform(u, index);
      for (std::size_t i = 0; i < n; ++i) expected.push_back(rng.uniform(i, index));
      BOOST_CHECK_EQUAL_COLLECTIONS(u.begin(), u.end(), expected.begin(), expected.end());
    }
  }
}

BOOST_AUTO_TEST_CASE(normals_are_box_muller_of_the_words_at_their_address) {
  const BlockRng rng{{0x123456789abcdef0u, 7}, 11, 0xfffffff0u};
  constexpr std::size_t per_block = 16 / sizeof(Real);
  for (const std::size_t n : {1u, 7u, 40u}) {
    for (std::size_t d = 1; d < 70; ++d) {
      Tensor x({n, d});
      rng.normal(x);
      double worst = 0;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < d; ++j) {
          const auto chain = rng.first_chain + std::uint32_t(i);
          const auto w = philox(rng.key.seed, {std::uint32_t(j / per_block), rng.step, chain, 7});
          const std::size_t pair = j % per_block / 2;
          double u, v;
          if constexpr (per_block == 4) {
            u = double((float(w[2 * pair]) + 0.5f) * 0x1p-32f);
            v = double((float(w[2 * pair + 1]) + 0.5f) * 0x1p-32f);
          } else {
            u = (double((std::uint64_t(w[0]) << 32 | w[1]) >> 12) + 0.5) * 0x1p-52;
            v = (double((std::uint64_t(w[2]) << 32 | w[3]) >> 12) + 0.5) * 0x1p-52;
          }
          const double angle = 2 * std::numbers::pi * (v - 0.5);
          const double exact =
              std::sqrt(-2 * std::log(u)) * (j % 2 == 0 ? std::cos(angle) : std::sin(angle));
          worst = std::max(worst, std::abs(double(x(i, j)) - exact) / (1 + std::abs(exact)));
        }
      }
      BOOST_TEST(worst < 8 * double(std::numeric_limits<Real>::epsilon()));
    }
  }
}

BOOST_AUTO_TEST_CASE(arrays_of_uniforms_are_the_words_at_their_address_and_not_those_of_normals) {
  const BlockRng rng{{0x123456789abcdef0u, 7}, 11, 0xfffffff0u};
  constexpr std::size_t per_block = 16 / sizeof(Real);
  for (const std::size_t n : {1u, 7u, 40u}) {
    for (const std::size_t d : {1u, 2u, 3u, 64u, 69u}) {
      Tensor x({n, d});
      rng.uniform(x);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < d; ++j) {
          const auto index = 0xc0000000u + std::uint32_t(j / per_block);
          const auto chain = rng.first_chain + std::uint32_t(i);
          const auto w = philox(rng.key.seed, {index, rng.step, chain, 7});
          const std::size_t k = j % per_block;
          double u;
          if constexpr (per_block == 4) {
            u = (double(w[k] >> 9) + 0.5) * 0x1p-23;
          } else {
            const auto high = static_cast<std::uint64_t>(w[2 * k]);
            u = (double((high << 32 | w[2 * k + 1]) >> 12) + 0.5) * 0x1p-52;
          }
          wrong += double(x(i, j)) != u;
        }
      }
      BOOST_TEST(wrong == 0u);
    }
  }
}
