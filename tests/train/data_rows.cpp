#include "train/data/rows.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <stdexcept>

#include "tests/message.hpp"
#include "tests/train/numbered.hpp"
#include "train/data/split.hpp"
#include "train/data/standardise.hpp"

namespace eqp::train {
namespace {

std::vector<std::size_t> numbers(const Rows& rows) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    BOOST_TEST(rows.row(i)[0] == Real(rows.number(i)));
    result.push_back(rows.number(i));
  }
  return result;
}

std::string refusal(std::size_t n, const SplitOptions& options) {
  return test::refusal([&] { split(numbered(n), options); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_rows)

BOOST_AUTO_TEST_CASE(parts_and_copies_share_the_memory_that_was_moved_in) {
  ad::Tensor x({5, 2, 3});
  const Real* memory = x.view().data;
  const Rows all(std::move(x));
  BOOST_TEST(all.rows() == 5u);
  BOOST_TEST(all.cols() == 6u);
  const std::size_t odd[] = {3, 1}, last[] = {1};
  const Rows copy = all, some = all.part(odd), one = some.part(last);
  BOOST_TEST(copy.row(4).data() == memory + 4 * 6);
  BOOST_TEST(some.row(0).data() == memory + 3 * 6);
  BOOST_TEST(one.row(0).data() == memory + 1 * 6);
  BOOST_TEST(one.rows() == 1u);
  BOOST_TEST(one.number(0) == 1u);
  const Split parts = split(all, {.validation = {.rows = 2}, .key = {1}});
  BOOST_TEST(parts.validation.row(0).data() == memory + parts.validation.number(0) * 6);
}

BOOST_AUTO_TEST_CASE(rows_are_copied_in_order_from_anywhere) {
  const std::size_t places[] = {4, 4, 0, 2};
  const Rows rows = numbered(5).part(places);
  ad::Tensor out({2, 2});
  rows.copy(1, out);
  BOOST_TEST(out(0, 0) == 4);
  BOOST_TEST(out(1, 1) == 0);
  rows.copy(2, out);
  BOOST_TEST(out(1, 1) == -2);
  BOOST_CHECK_THROW(rows.copy(3, out), std::invalid_argument);
  BOOST_CHECK_THROW(rows.copy(5, out), std::invalid_argument);
  ad::Tensor wide({2, 3});
  BOOST_CHECK_THROW(rows.copy(0, wide), std::invalid_argument);
  const std::size_t beyond[] = {4};
  BOOST_CHECK_THROW(rows.part(beyond), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_split_is_a_partition_in_the_order_of_the_rows) {
  const Rows data = numbered(101);
  const Split s =
      split(data, {.validation = {.fraction = 0.2}, .test = {.rows = 30}, .key = {5, 2}});
  BOOST_TEST(s.validation.rows() == 20u);  // 20.2
  BOOST_TEST(s.test.rows() == 30u);
  BOOST_TEST(s.train.rows() == 51u);
  std::vector<std::size_t> all;
  for (const Rows* part : {&s.train, &s.validation, &s.test}) {
    const std::vector<std::size_t> its = numbers(*part);
    BOOST_TEST(std::ranges::is_sorted(its));
    all.insert(all.end(), its.begin(), its.end());
  }
  std::ranges::sort(all);
  BOOST_TEST(all == numbers(data), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_split_depends_on_the_key_and_a_test_set_on_its_size) {
  const auto parts = [](std::uint64_t seed, std::size_t validation, std::size_t test) {
    return split(numbered(60),
                 {.validation = {.rows = validation}, .test = {.rows = test}, .key = {seed}});
  };
  const Split first = parts(1, 10, 15);
  BOOST_TEST((numbers(parts(1, 10, 15).train) == numbers(first.train)));
  BOOST_TEST((numbers(parts(2, 10, 15).train) != numbers(first.train)));
  BOOST_TEST((numbers(parts(1, 25, 15).test) == numbers(first.test)));
  BOOST_TEST((numbers(parts(1, 10, 16).test) != numbers(first.test)));
}

// The mean of m of 0 ... n - 1 without replacement has variance (n^2 - 1) / 12 / m (n - m) / (n -
// 1).
BOOST_AUTO_TEST_CASE(every_row_is_as_likely_to_be_set_aside) {
  constexpr std::size_t n = 50, m = 10, times = 400;
  double sum = 0;
  for (std::uint32_t k = 0; k < times; ++k) {
    const Split s = split(numbered(n), {.validation = {.rows = m}, .key = {3, k}});
    for (const std::size_t i : numbers(s.validation)) sum += double(i) / m;
  }
  const double se = std::sqrt((n * n - 1) / 12.0 / m * (n - m) / (n - 1) / times);
  BOOST_TEST(std::abs(sum / times - (n - 1) / 2.0) < 3 * se);
}

BOOST_AUTO_TEST_CASE(a_tenth_is_for_validation_unless_something_else_is_said) {
  BOOST_TEST(split(numbered(30), {}).validation.rows() == 3u);
  BOOST_TEST(split(numbered(30), {}).test.rows() == 0u);
  BOOST_TEST(split(numbered(30), {.validation = {}}).train.rows() == 30u);
}

BOOST_AUTO_TEST_CASE(shares_that_make_no_sense_are_refused) {
  BOOST_TEST(refusal(9, {.validation = {.rows = 2, .fraction = 0.5}}) ==
             "split: validation has 2 rows and a fraction 0.500000; need one of them");
  for (const double fraction : {-0.5, 1.0}) {
    BOOST_TEST(refusal(9, {.test = {.fraction = fraction}}) == "split: test has a fraction " +
                                                                   std::to_string(fraction) +
                                                                   "; need at least 0 and below 1");
  }
  BOOST_TEST(refusal(4, {}) == "split: validation has a fraction 0.100000 of 4: no row");
  BOOST_TEST(refusal(9, {.validation = {.rows = 4}, .test = {.rows = 5}}) ==
             "split: 4 rows for validation and 5 for test of 9; need at least 1 for training");
  const std::size_t huge = std::size_t(-1);
  BOOST_CHECK_THROW(split(numbered(9), {.validation = {.rows = huge}, .test = {.rows = 2}}),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(rows_are_standardised_by_themselves) {
  const std::size_t places[] = {1, 3, 8};
  const Standardisation s = standardisation(numbered(10).part(places));
  BOOST_TEST(s.mean[0] == 4);
  BOOST_TEST(s.mean[1] == -4);
  BOOST_TEST(s.sd[0] == std::sqrt(26.0 / 3), boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
