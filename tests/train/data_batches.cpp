#include "train/data/batches.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "tests/train/numbered.hpp"
#include "train/data/dequantise.hpp"
#include "train/objective.hpp"

namespace eqp::train {
namespace {

/// The numbers of the rows of batch t.
std::vector<std::size_t> rows(const Batches& batches, std::uint32_t t, std::size_t batch) {
  ad::Tensor out({batch, 2});
  batches(t, out);
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < batch; ++i) {
    BOOST_TEST(out(i, 1) == -out(i, 0));
    numbers.push_back(std::size_t(out(i, 0)));
  }
  return numbers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_batches)

BOOST_AUTO_TEST_CASE(an_epoch_visits_every_row_once_in_another_order_each_time) {
  const Batches batches(numbered(60), 12, {3, 1});
  BOOST_TEST(batches.per_epoch() == 5u);
  std::vector<std::vector<std::size_t>> epochs(3);
  for (std::uint32_t t = 0; t < 15; ++t) {
    for (const std::size_t i : rows(batches, t, 12)) epochs[t / 5].push_back(i);
  }
  BOOST_TEST(epochs[0] != epochs[1]);
  BOOST_TEST(epochs[1] != epochs[2]);
  for (auto& epoch : epochs) {
    BOOST_TEST(!std::ranges::is_sorted(epoch));
    std::ranges::sort(epoch);
    for (std::size_t i = 0; i < 60; ++i) BOOST_TEST(epoch[i] == i);
  }
}

BOOST_AUTO_TEST_CASE(a_batch_depends_on_its_number_and_key_only) {
  const Batches forward(numbered(50), 8, {3, 1}), other(numbered(50), 8, {3, 2});
  std::vector<std::vector<std::size_t>> seen;
  for (std::uint32_t t = 0; t < 20; ++t) seen.push_back(rows(forward, t, 8));
  // Resumed in the middle, and backwards.
  const Batches resumed(numbered(50), 8, {3, 1});
  for (const std::uint32_t t : {13u, 14u, 19u, 7u, 0u, 6u})
    BOOST_TEST((rows(resumed, t, 8) == seen[t]));
  BOOST_TEST((rows(other, 0, 8) != seen[0]));
}

BOOST_AUTO_TEST_CASE(batches_of_many_threads_and_of_copies_are_the_same) {
  const Batches batches(numbered(50), 8, {3, 1}), copy = batches;
  std::vector<std::vector<std::size_t>> expected(200), found(200);
  for (std::uint32_t t = 0; t < 200; ++t) expected[t] = rows(batches, t, 8);
  ad::with_threads(4, [&] {
    // Neighbours in the loop are epochs apart.
    ad::parallel_for(200, [&](std::size_t i) {
      const auto t = std::uint32_t(i * 77 % 200);
      ad::Tensor out({8, 2});
      (i % 2 ? batches : copy)(t, out);
      for (std::size_t k = 0; k < 8; ++k) found[t].push_back(std::size_t(out(k, 0)));
    });
  });
  BOOST_TEST((found == expected));
}

BOOST_AUTO_TEST_CASE(a_source_with_fresh_noise_resumes_at_any_step) {
  // 40 rows of 3 pixels of 7 levels.
  const auto source = []() -> DataSource {
    ad::Tensor x({40, 3});
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = Real(i * i % 7);
    return [batches = Batches(Rows(std::move(x)), 16, {3, 1})](std::uint32_t t, ad::View out) {
      batches(t, out);
      dequantise(out, 7, {{3, 2}, t});
    };
  };
  const auto batch = [](const DataSource& data, std::uint32_t t) {
    ad::Tensor out({16, 3});
    data(t, out);
    return std::vector<Real>(out.flat().begin(), out.flat().end());
  };
  const DataSource whole = source(), resumed = source();
  std::vector<std::vector<Real>> seen;
  for (std::uint32_t t = 0; t < 12; ++t) seen.push_back(batch(whole, t));
  for (const std::uint32_t t : {7u, 8u, 11u, 0u}) BOOST_TEST((batch(resumed, t) == seen[t]));
}

BOOST_AUTO_TEST_CASE(an_incomplete_last_batch_is_dropped) {
  const Batches batches(numbered(50), 8, {3, 1});
  BOOST_TEST(batches.per_epoch() == 6u);
  std::vector<std::size_t> epoch;
  for (std::uint32_t t = 0; t < 6; ++t) {
    for (const std::size_t i : rows(batches, t, 8)) epoch.push_back(i);
  }
  std::ranges::sort(epoch);
  BOOST_TEST((std::ranges::adjacent_find(epoch) == epoch.end()));
}

BOOST_AUTO_TEST_CASE(data_smaller_than_a_batch_repeat_evenly) {
  const Batches batches(numbered(3), 7, {3, 1});
  BOOST_TEST(batches.per_epoch() == 1u);
  std::vector<int> counts(3);
  for (const std::size_t i : rows(batches, 4, 7)) ++counts[i];
  BOOST_TEST(std::ranges::min(counts) == 2);
  BOOST_TEST(std::ranges::max(counts) == 3);
}

BOOST_AUTO_TEST_CASE(nothing_to_draw_from_is_refused) {
  BOOST_CHECK_THROW(Batches(numbered(0), 4, {1, 0}), std::invalid_argument);
  BOOST_CHECK_THROW(Batches(numbered(4), 0, {1, 0}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_batch_of_another_size_is_refused) {
  const Batches batches(numbered(10), 4, {1, 0});
  ad::Tensor few({3, 2}), wide({4, 3});
  BOOST_CHECK_THROW(batches(0, few), std::invalid_argument);
  BOOST_CHECK_THROW(batches(0, wide), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
