#include <boost/test/unit_test.hpp>

#include "autodiff/archive.hpp"
#include "autodiff/non_finite.hpp"
#include "tests/message.hpp"
#include "tests/ranks.hpp"

using namespace eqp;
namespace test = eqp::test;

namespace {

BOOST_AUTO_TEST_SUITE(in_a_job, *boost::unit_test::fixture<test::Job>())

BOOST_AUTO_TEST_CASE(shares_follow_each_other_and_leave_nothing_out) {
  for (const std::size_t n : {0, 1, 2, 7, 8, 100}) {
    std::size_t end = 0;
    for (std::size_t r = 0; r < ad::n_ranks(); ++r) {
      BOOST_TEST(ad::share(n, r).first == end);
      end = ad::share(n, r).end;
    }
    BOOST_TEST(end == n);
    BOOST_TEST((n == 0 || ad::share(n, 0).size() > 0));
  }
}

BOOST_AUTO_TEST_CASE(every_rank_gets_what_the_others_have) {
  const std::string mine(3 * ad::rank() + 1, char('a' + ad::rank()));
  const std::vector<std::string> all = ad::gather(mine);
  BOOST_TEST(all.size() == ad::n_ranks());
  for (std::size_t r = 0; r < all.size(); ++r) {
    BOOST_TEST(all[r] == std::string(3 * r + 1, char('a' + r)));
  }

  constexpr std::size_t n = 7, width = 3;
  std::vector<double> values(n * width, -1);
  std::vector<std::vector<int>> states(n, std::vector<int>(2, -1));
  ad::parallel_for_share(n, [&](std::size_t i) {
    for (std::size_t k = 0; k < width; ++k) values[i * width + k] = double(10 * i + k);
    states[i].assign(i + 1, int(i));
  });
  ad::gather_shares(n, std::span(values));
  ad::gather_states(n, [&](ad::Archive& a, std::size_t i) { a("state", states[i]); });
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < width; ++k) BOOST_TEST(values[i * width + k] == double(10 * i + k));
    BOOST_TEST(states[i] == std::vector<int>(i + 1, int(i)), boost::test_tools::per_element());
  }
  BOOST_TEST(ad::on_any_rank(ad::rank() + 1 == ad::n_ranks()));
  BOOST_TEST(!ad::on_any_rank(false));
}

BOOST_AUTO_TEST_CASE(the_first_rank_speaks_for_all) {
  std::size_t calls = 0;
  BOOST_TEST(ad::from_first_rank([&] {
               ++calls;
               return "by rank " + std::to_string(ad::rank());
             }) == "by rank 0");
  BOOST_TEST(calls == (ad::rank() == 0 ? 1u : 0u));
  BOOST_TEST(test::refusal([] {
               ad::on_first_rank([] { throw std::invalid_argument("no such file"); });
             }) == "no such file");
}

BOOST_AUTO_TEST_CASE(all_throw_the_error_of_the_lowest_index) {
  for (const std::size_t lowest : {0, 5, 19}) {
    const auto fails = [=](std::size_t i) {
      if (i == lowest) throw ad::NonFinite("item", ad::NonFinite::Origin::input, i);
      if (i > lowest) throw std::invalid_argument("later");
    };
    BOOST_CHECK_EXCEPTION(ad::parallel_for_share(20, fails), ad::NonFinite,
                          [&](const ad::NonFinite& e) {
                            return e.what() == std::string("item") && e.row == lowest &&
                                   e.origin == ad::NonFinite::Origin::input;
                          });
  }
  BOOST_TEST(test::message<std::runtime_error>([] {
               ad::parallel_for_share(9, [](std::size_t i) {
                 if (i == 8) throw std::runtime_error("the last one");
               });
             }) == "the last one");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
