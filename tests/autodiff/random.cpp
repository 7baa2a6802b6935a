#include "autodiff/random.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

using eqp::Real;
using namespace eqp::ad;

namespace {

using Words = std::array<std::uint32_t, 4>;

void check_words(std::uint64_t key, const Words& counter, const Words& expected) {
  const Words w = philox(key, counter);
  BOOST_CHECK_EQUAL_COLLECTIONS(w.begin(), w.end(), expected.begin(), expected.end());
}

// sqrt(n) times the largest distance between the empirical and a given distribution function. Above
// 1.95 with probability 0.001 (Kolmogorov 1933).
template <class F>
double kolmogorov_smirnov(std::vector<double> x, F cdf) {
  std::ranges::sort(x);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = cdf(x[i]);
    worst =
        std::max({worst, p - double(i) / double(x.size()), double(i + 1) / double(x.size()) - p});
  }
  return worst * std::sqrt(double(x.size()));
}

double normal_cdf(double v) { return 0.5 * std::erfc(-v / std::numbers::sqrt2); }

// Mean of the products of two samples with mean 0 and variance 1, in standard errors.
double correlation(std::span<const Real> x, std::span<const Real> y) {
  double s = 0;
  for (std::size_t i = 0; i < x.size(); ++i) s += double(x[i]) * double(y[i]);
  return s / std::sqrt(double(x.size()));
}

}  // namespace

BOOST_AUTO_TEST_CASE(philox_gives_the_published_words) {
  // Known answers published with Random123 (Salmon et al. 2011).
  check_words(0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  check_words(0xffffffffffffffff, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
              {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check_words(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
              {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

BOOST_AUTO_TEST_CASE(a_row_of_normals_depends_on_its_chain_only) {
  for (const std::size_t d : {1u, 2u, 3u, 5u, 8u, 33u, 600u}) {
    Tensor whole({7, d});
    BlockRng{{42, 3}, 9, 100}.normal(whole);
    for (const std::size_t block : {1u, 2u, 5u}) {
      Tensor parts({7, d});
      // From the last block to the first, which shows a row that spills into the next.
      for (std::size_t b = (7 + block - 1) / block; b-- > 0;) {
        const std::size_t first = b * block, n = std::min(block, 7 - first);
        BlockRng{{42, 3}, 9, 100 + std::uint32_t(first)}.normal(parts.view().slice(first, n));
      }
      BOOST_CHECK_EQUAL_COLLECTIONS(parts.flat().begin(), parts.flat().end(), whole.flat().begin(),
                                    whole.flat().end());
    }
    // More columns only add to a row.
    Tensor wider({7, d + 3});
    BlockRng{{42, 3}, 9, 100}.normal(wider);
    for (std::size_t i = 0; i < 7; ++i) {
      for (std::size_t j = 0; j < d; ++j) BOOST_TEST(wider(i, j) == whole(i, j));
    }
  }
  Tensor scalar{Shape{}};
  BlockRng{{42, 3}, 9, 100}.normal(scalar);
  Tensor one({1, 1});
  BlockRng{{42, 3}, 9, 100}.normal(one);
  BOOST_TEST(scalar[0] == one[0]);
}

BOOST_AUTO_TEST_CASE(every_part_of_an_address_changes_the_draws) {
  const auto draw = [](Key key, std::uint32_t step, std::uint32_t chain) {
    Tensor t({1, 2});
    BlockRng{key, step, chain}.normal(t);
    return std::pair(t[0], t[1]);
  };
  std::set<std::pair<Real, Real>> seen;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32}) {
    for (const std::uint32_t stream : {0u, 1u}) {
      for (const std::uint32_t step : {0u, 1u}) {
        for (const std::uint32_t chain : {0u, 1u}) seen.insert(draw({seed, stream}, step, chain));
      }
    }
  }
  BOOST_TEST(seen.size() == 24u);
}

BOOST_AUTO_TEST_CASE(normals_have_the_normal_law) {
  const std::size_t n = 20000, d = 5;
  const Tensor x = normal({n, d}, {7});
  std::vector<std::vector<Real>> column(d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) column[j].push_back(x(i, j));
  }
  for (std::size_t j = 0; j < d; ++j) {
    double mean = 0, square = 0, cube = 0, fourth = 0;
    for (const double v : column[j]) {
      mean += v / double(n);
      square += v * v / double(n);
      cube += v * v * v / double(n);
      fourth += v * v * v * v / double(n);
    }
    // Moments 0, 1, 0, 3, each within 4 of its standard errors (variances 1, 2, 15, 96 over n).
    BOOST_TEST(std::abs(mean) < 4 / std::sqrt(double(n)));
    BOOST_TEST(std::abs(square - 1) < 4 * std::sqrt(2 / double(n)));
    BOOST_TEST(std::abs(cube) < 4 * std::sqrt(15 / double(n)));
    BOOST_TEST(std::abs(fourth - 3) < 4 * std::sqrt(96 / double(n)));
    for (std::size_t k = 0; k < j; ++k) BOOST_TEST(std::abs(correlation(column[j], column[k])) < 4);
    BOOST_TEST(kolmogorov_smirnov({column[j].begin(), column[j].end()}, normal_cdf) < 1.95);
  }
  // Chain after chain, step after step.
  const std::span<const Real> first = column[0];
  BOOST_TEST(std::abs(correlation(first.first(n - 1), first.last(n - 1))) < 4);
  Tensor next({n, d});
  BlockRng{{7}, 1}.normal(next);
  BOOST_TEST(std::abs(correlation(x.flat(), next.flat())) < 4);
}

BOOST_AUTO_TEST_CASE(scalar_draws_have_their_laws) {
  const std::size_t n = 20000;
  std::vector<double> normals, uniforms, of_block;
  Draws draws({3, 1}, 4, 5);
  for (std::size_t i = 0; i < n; ++i) {
    normals.push_back(draws.normal());
    uniforms.push_back(draws.uniform());
    of_block.push_back(BlockRng{{3, 1}, 5}.uniform(i));
  }
  const auto unit = [](double v) { return v; };
  BOOST_TEST(kolmogorov_smirnov(normals, normal_cdf) < 1.95);
  BOOST_TEST(kolmogorov_smirnov(uniforms, unit) < 1.95);
  BOOST_TEST(kolmogorov_smirnov(of_block, unit) < 1.95);
  const Tensor u = uniform({n}, {3, 2});
  BOOST_TEST(kolmogorov_smirnov({u.flat().begin(), u.flat().end()}, unit) < 1.95);
  for (const Real v : u.flat()) BOOST_TEST_REQUIRE((v > 0 && v < 1));
}

BOOST_AUTO_TEST_CASE(uniforms_of_a_block_are_told_apart_by_index_chain_and_step) {
  const BlockRng rng{{1, 2}, 3, 10};
  BOOST_TEST(rng.uniform(2) == (BlockRng{{1, 2}, 3, 12}.uniform(0)));
  BOOST_TEST(rng.uniform(2, 0) != rng.uniform(2, 1));
  BOOST_TEST(rng.uniform(2) != (BlockRng{{1, 2}, 4, 10}.uniform(2)));
}

BOOST_AUTO_TEST_CASE(forks_are_independent_of_their_parent_and_of_each_other) {
  const Key parent{123, 4};
  std::vector<Tensor> draws{normal({20000}, parent)};
  std::set<std::pair<std::uint64_t, std::uint32_t>> keys{{parent.seed, parent.stream}};
  for (std::uint32_t n = 0; n < 1000; ++n) {
    const Key child = parent.fork(n);
    keys.insert({child.seed, child.stream});
    if (n < 3) draws.push_back(normal({20000}, child));
    if (n < 3) draws.push_back(normal({20000}, child.fork(0)));
  }
  BOOST_TEST(keys.size() == 1001u);
  BOOST_TEST((parent.fork(5) == Key{123, 4}.fork(5)));
  for (std::size_t i = 0; i < draws.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      BOOST_TEST(std::abs(correlation(draws[i].flat(), draws[j].flat())) < 4);
    }
  }
  Tensor a({3, 2}), b({3, 2});
  BlockRng{parent, 7, 5}.fork(2).normal(a);
  BlockRng{parent.fork(2), 7, 5}.normal(b);
  BOOST_CHECK_EQUAL_COLLECTIONS(a.flat().begin(), a.flat().end(), b.flat().begin(), b.flat().end());
}

BOOST_AUTO_TEST_CASE(below_is_uniform_on_its_range) {
  Draws draws({9});
  BOOST_TEST(draws.below(1) == 0u);
  const int n = 30000;
  std::array<int, 3> count{};
  for (int i = 0; i < n; ++i) ++count.at(draws.below(3));
  for (const int c : count) BOOST_TEST(std::abs(c - n / 3.0) < 4 * std::sqrt(n * 2.0 / 9));
}

BOOST_AUTO_TEST_CASE(a_permutation_holds_every_element_once_at_any_place) {
  for (const std::size_t n : {0u, 1u, 2u, 100u}) {
    std::vector<std::size_t> p = permutation(n, {5}, 2);
    BOOST_TEST((p == permutation(n, {5}, 2)));
    std::ranges::sort(p);
    for (std::size_t i = 0; i < n; ++i) BOOST_TEST(p[i] == i);
  }
  BOOST_TEST((permutation(100, {5}, 2) != permutation(100, {5}, 3)));
  // Each of the 6 orders of 3 elements as often as any other.
  std::map<std::vector<std::size_t>, int> count;
  const int n = 12000;
  for (int step = 0; step < n; ++step) ++count[permutation(3, {5}, std::uint32_t(step))];
  BOOST_TEST(count.size() == 6u);
  for (const auto& [order, c] : count)
    BOOST_TEST(std::abs(c - n / 6) < 4 * std::sqrt(n * 5.0 / 36));
}

BOOST_AUTO_TEST_CASE(a_sample_without_replacement_has_distinct_elements_of_the_range) {
  const std::vector<std::size_t> s = sample_without_replacement(10, 4, {6}, 1);
  BOOST_TEST(s.size() == 4u);
  BOOST_TEST((std::set<std::size_t>(s.begin(), s.end()).size()) == 4u);
  for (const std::size_t i : s) BOOST_TEST(i < 10u);
  BOOST_CHECK_THROW(sample_without_replacement(3, 4, {6}), std::invalid_argument);
  std::array<int, 5> count{};
  const int n = 10000;
  for (int step = 0; step < n; ++step) {
    for (const std::size_t i : sample_without_replacement(5, 2, {6}, std::uint32_t(step)))
      ++count[i];
  }
  for (const int c : count) BOOST_TEST(std::abs(c - n * 0.4) < 4 * std::sqrt(n * 0.24));
}
