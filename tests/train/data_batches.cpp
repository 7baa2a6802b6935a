#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "train/data/batches.hpp"

namespace eqp::train {
namespace {

/// Row i is (i, -i).
ad::Tensor numbered(std::size_t n) {
  ad::Tensor x({n, 2});
  for (std::size_t i = 0; i < n; ++i) {
    x(i, 0) = Real(i);
    x(i, 1) = -Real(i);
  }
  return x;
}

/// The numbers of the rows of batch t.
std::vector<std::size_t> rows(Batches& batches, std::uint32_t t, std::size_t batch) {
  ad::Tensor out({batch, 2});
  batches.fill(t, out);
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
  Batches batches(numbered(60), 12, {3, 1});
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
  Batches forward(numbered(50), 8, {3, 1}), other(numbered(50), 8, {3, 2});
  std::vector<std::vector<std::size_t>> seen;
  for (std::uint32_t t = 0; t < 20; ++t) seen.push_back(rows(forward, t, 8));
  // Resumed in the middle, and backwards.
  Batches resumed(numbered(50), 8, {3, 1});
  for (const std::uint32_t t : {13u, 14u, 19u, 7u, 0u, 6u})
    BOOST_TEST((rows(resumed, t, 8) == seen[t]));
  BOOST_TEST((rows(other, 0, 8) != seen[0]));
}

BOOST_AUTO_TEST_CASE(an_incomplete_last_batch_is_dropped) {
  Batches batches(numbered(50), 8, {3, 1});
  BOOST_TEST(batches.per_epoch() == 6u);
  std::vector<std::size_t> epoch;
  for (std::uint32_t t = 0; t < 6; ++t) {
    for (const std::size_t i : rows(batches, t, 8)) epoch.push_back(i);
  }
  std::ranges::sort(epoch);
  BOOST_TEST((std::ranges::adjacent_find(epoch) == epoch.end()));
}

BOOST_AUTO_TEST_CASE(data_smaller_than_a_batch_repeat_evenly) {
  Batches batches(numbered(3), 7, {3, 1});
  BOOST_TEST(batches.per_epoch() == 1u);
  std::vector<int> counts(3);
  for (const std::size_t i : rows(batches, 4, 7)) ++counts[i];
  BOOST_TEST(std::ranges::min(counts) == 2);
  BOOST_TEST(std::ranges::max(counts) == 3);
}

BOOST_AUTO_TEST_CASE(nothing_to_draw_from_is_refused) {
  BOOST_CHECK_THROW(Batches(ad::Tensor({0, 2}), 4, {1, 0}), std::invalid_argument);
  BOOST_CHECK_THROW(Batches(numbered(4), 0, {1, 0}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
