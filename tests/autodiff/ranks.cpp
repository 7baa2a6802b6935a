#include "autodiff/ranks.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "tests/message.hpp"

// Outside a job; ranks_job.cpp has what holds in one.
using namespace eqp::ad;
namespace test = eqp::test;

namespace {

BOOST_AUTO_TEST_SUITE(ranks)

BOOST_AUTO_TEST_CASE(one_process_does_everything) {
  BOOST_TEST(rank() == 0u);
  BOOST_TEST(n_ranks() == 1u);
  BOOST_TEST(!is_shared_out());
  BOOST_TEST(share(7).first == 0u);
  BOOST_TEST(share(7).end == 7u);
  std::vector<int> done(100);
  parallel_for_share(done.size(), [&](std::size_t i) { done[i] = int(i); });
  BOOST_TEST(std::accumulate(done.begin(), done.end(), 0) == 4950);
  BOOST_TEST(gather("word") == std::vector<std::string>{"word"}, boost::test_tools::per_element());
  BOOST_TEST(from_first_rank([] { return std::string("said"); }) == "said");
  BOOST_TEST(on_any_rank(true));
  BOOST_TEST(!on_any_rank(false));
}

BOOST_AUTO_TEST_CASE(errors_are_those_of_the_lowest_index) {
  const auto failing = [](std::size_t i) {
    if (i % 10 == 3) throw std::invalid_argument("item " + std::to_string(i));
  };
  BOOST_TEST(test::message<std::invalid_argument>([&] { parallel_for_share(100, failing); }) ==
             "item 3");
}

BOOST_AUTO_TEST_CASE(a_task_knows_that_it_is_one) {
  BOOST_TEST(!in_task());
  std::vector<char> inside(8), nested(8);
  parallel_for(inside.size(), [&](std::size_t i) {
    inside[i] = in_task();
    parallel_for(1, [](std::size_t) {});
    nested[i] = in_task();
  });
  for (const char here : inside) BOOST_TEST(here);
  for (const char here : nested) BOOST_TEST(here);
  BOOST_CHECK_THROW(parallel_for(3, [](std::size_t) { throw std::runtime_error("no"); }),
                    std::runtime_error);
  BOOST_TEST(!in_task());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
