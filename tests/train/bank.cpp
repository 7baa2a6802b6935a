#include "train/bank.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

using namespace eqp;
using namespace eqp::train;

namespace {

// A state tells its address.
void numbered(ad::View out, ad::Key, std::uint32_t first) {
  for (std::size_t i = 0; i < out.rows(); ++i) std::ranges::fill(out.row(i), Real(first + i));
}

std::vector<std::size_t> taken(Bank& bank, std::uint32_t t, std::size_t n) {
  ad::Tensor out({n, 2});
  bank.take(t, out);
  std::vector<std::size_t> slots;
  for (std::size_t i = 0; i < n; ++i) {
    BOOST_TEST(out(i, 0) == out(i, 1));
    slots.push_back(std::size_t(out(i, 0)));
  }
  return slots;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_bank_gives_distinct_slots_as_a_function_of_key_and_step) {
  Bank bank(20, 2, numbered, {3}), same(20, 2, numbered, {3});
  for (std::uint32_t t = 0; t < 50; ++t) {
    const auto slots = taken(bank, t, 7);
    BOOST_TEST(std::set(slots.begin(), slots.end()).size() == 7);
    BOOST_TEST(*std::ranges::max_element(slots) < 20);
  }
  BOOST_TEST(taken(bank, 4, 7) == taken(same, 4, 7), boost::test_tools::per_element());
  BOOST_CHECK(taken(bank, 4, 7) != taken(bank, 5, 7));
  const auto all = taken(bank, 9, 20);
  BOOST_TEST(std::set(all.begin(), all.end()).size() == 20);
}

BOOST_AUTO_TEST_CASE(every_slot_is_taken_equally_often) {
  Bank bank(10, 2, numbered, {5});
  std::vector<double> count(10);
  const std::uint32_t rounds = 4000;
  for (std::uint32_t t = 0; t < rounds; ++t) {
    for (const std::size_t slot : taken(bank, t, 3)) ++count[slot];
  }
  for (const double c : count) {  // binomial, p = 0.3
    BOOST_TEST(std::abs(c - 0.3 * rounds) < 4 * std::sqrt(0.3 * 0.7 * rounds));
  }
}

BOOST_AUTO_TEST_CASE(what_is_put_back_goes_to_the_slots_it_came_from) {
  Bank bank(9, 2, numbered, {7});
  ad::Tensor rows({4, 2});
  bank.take(0, rows);
  std::set<std::size_t> moved;
  for (std::size_t i = 0; i < 4; ++i) moved.insert(std::size_t(rows(i, 0)));
  for (Real& v : rows.flat()) v += 100;
  bank.put_back(rows);
  for (std::size_t slot = 0; slot < 9; ++slot) {
    for (std::size_t j = 0; j < 2; ++j) {
      BOOST_TEST(bank.states()(slot, j) == Real(slot + (moved.contains(slot) ? 100 : 0)));
    }
  }
}

BOOST_AUTO_TEST_CASE(restarts_are_fresh_and_as_frequent_as_asked) {
  std::set<std::uint64_t> keys;
  const mcmc::Sampler fresh = [&](ad::View out, ad::Key key, std::uint32_t first) {
    keys.insert(key.seed);
    for (std::size_t i = 0; i < out.rows(); ++i)
      std::ranges::fill(out.row(i), -1 - Real(first + i));
  };
  Bank bank(40, 2, fresh, {11});
  keys.clear();
  double restarted = 0;
  const std::uint32_t rounds = 500;
  for (std::uint32_t t = 0; t < rounds; ++t) {
    ad::Tensor rows({40, 2});
    bank.restart(t, 0.15, rows);
    for (std::size_t i = 0; i < 40; ++i) {
      if (rows(i, 0) == 0) continue;
      ++restarted;
      BOOST_TEST(rows(i, 0) == -1 - Real(i));  // drawn at the chain's own address
      BOOST_TEST(rows(i, 1) == -1 - Real(i));
    }
  }
  const double n = 40. * rounds;
  BOOST_TEST(std::abs(restarted - 0.15 * n) < 4 * std::sqrt(0.15 * 0.85 * n));
  BOOST_TEST(keys.size() >
             0.95 * rounds);  // other draws at every step: 1 - 0.85^40 of them restart

  ad::Tensor rows({40, 2});
  bank.restart(0, 0, rows);
  BOOST_TEST(std::ranges::count(rows.flat(), Real(0)) == 80);
  bank.restart(0, 1, rows);
  BOOST_TEST(std::ranges::count(rows.flat(), Real(0)) == 0);
}

BOOST_AUTO_TEST_CASE(a_bank_refuses_what_it_cannot_give) {
  BOOST_CHECK_THROW(Bank(0, 2, numbered, {1}), std::invalid_argument);
  Bank bank(5, 2, numbered, {1});
  ad::Tensor six({6, 2}), five({5, 2}), two({2, 2});
  BOOST_CHECK_THROW(bank.take(0, six), std::invalid_argument);
  BOOST_CHECK_THROW(bank.put_back(two), std::logic_error);  // nothing was taken
  bank.take(0, five);
  BOOST_CHECK_THROW(bank.put_back(two), std::logic_error);
}
