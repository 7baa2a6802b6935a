#include "train/schedule.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>

using namespace eqp::train;

namespace {

std::vector<double> rates(const Schedule& schedule, std::uint32_t steps) {
  std::vector<double> result;
  for (std::uint32_t t = 0; t < steps; ++t) result.push_back(schedule(t));
  return result;
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  BOOST_TEST(found == expected, boost::test_tools::tolerance(1e-12)
                                    << boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_constant_schedule_stays) {
  check_close(rates(constant(0.3), 2), {0.3, 0.3});
}

BOOST_AUTO_TEST_CASE(step_decay_drops_at_the_given_steps) {
  check_close(rates(step_decay(0.8, {2, 3}, 0.5), 5), {0.8, 0.8, 0.4, 0.2, 0.2});
}

BOOST_AUTO_TEST_CASE(lines_and_cosines_stay_where_they_end) {
  check_close(rates(linear(0.8, 2, 0.2), 5), {0.8, 0.5, 0.2, 0.2, 0.2});
  check_close(rates(linear(0.2, 3, 0.8), 5), {0.2, 0.4, 0.6, 0.8, 0.8});
  check_close(rates(cosine(0.8, 2, 0.2), 5), {0.8, 0.5, 0.2, 0.2, 0.2});
}

BOOST_AUTO_TEST_CASE(restarts_go_on_for_any_number_of_steps) {
  constexpr std::uint32_t last = 0xffffffff;
  BOOST_TEST(cosine_restarts(0.8, {.first = 2})(last) == 0.4);  // odd: the middle of a cycle
  // Cycles of 1, 2, 4, ... steps end before steps 1, 3, 7, ...: the 33rd begins here.
  BOOST_TEST(cosine_restarts(0.8, {.first = 1, .growth = 2})(last) == 0.8);
}

BOOST_AUTO_TEST_CASE(warm_up_ends_at_the_schedules_own_rate) {
  check_close(rates(with_warmup(constant(0.6), 3), 5), {0.2, 0.4, 0.6, 0.6, 0.6});
  check_close(rates(with_warmup(step_decay(0.8, {1}, 0.5), 2), 3), {0.4, 0.4, 0.4});
  check_close(rates(with_warmup(constant(0.6), 0), 1), {0.6});
}

BOOST_AUTO_TEST_CASE(a_schedule_follows_another_from_its_own_step_0) {
  const Schedule falling = linear(0.4, 4);
  check_close(rates(then(constant(0.6), 2, falling), 5), {0.6, 0.6, 0.4, 0.3, 0.2});
  check_close(rates(then(constant(0.6), 0, falling), 2), {0.4, 0.3});
  check_close(rates(then(constant(0.6), 1, then(constant(0.5), 1, falling)), 4),
              {0.6, 0.5, 0.4, 0.3});
}

BOOST_AUTO_TEST_CASE(a_schedule_moves_on_once_an_epoch) {
  check_close(rates(every(exponential(0.8, 0.5), 2), 5), {0.8, 0.8, 0.4, 0.4, 0.2});
}

BOOST_AUTO_TEST_CASE(schedules_multiply) {
  check_close(rates(product(linear(0, 2, 1), constant(0.6)), 4), {0, 0.3, 0.6, 0.6});
}

BOOST_AUTO_TEST_CASE(schedules_that_make_no_sense_are_refused) {
  const auto refused = [](auto make, const std::string& message) {
    BOOST_CHECK_EXCEPTION(make(), std::invalid_argument,
                          [&](const auto& e) { return e.what() == message; });
  };
  const std::string size = "; need a finite number of at least 0", count = " 0; need at least 1";
  refused([] { return constant(-1e-3); }, "constant: rate -0.001" + size);
  refused([] { return linear(INFINITY, 5); }, "linear: rate inf" + size);
  refused([] { return linear(1, 0); }, "linear: steps" + count);
  refused([] { return linear(1, 5, -1); }, "linear: final_rate -1" + size);
  refused([] { return exponential(-1, 0.5); }, "exponential: rate -1" + size);
  refused([] { return exponential(1, -0.5); }, "exponential: factor -0.5" + size);
  refused([] { return step_decay(-1, {2}, 0.5); }, "step_decay: rate -1" + size);
  refused([] { return step_decay(1, {2}, std::nan("")); }, "step_decay: factor nan" + size);
  refused([] { return cosine(-1, 5); }, "cosine: rate -1" + size);
  refused([] { return cosine(1, 0); }, "cosine: steps" + count);
  refused([] { return cosine(1, 5, -1); }, "cosine: final_rate -1" + size);
  refused([] { return cosine_restarts(-1, {.first = 3}); }, "cosine_restarts: rate -1" + size);
  refused([] { return cosine_restarts(1, {.first = 0}); }, "cosine_restarts: first" + count);
  refused([] { return cosine_restarts(1, {.first = 3, .growth = 0}); },
          "cosine_restarts: growth" + count);
  refused([] { return cosine_restarts(1, {.first = 3, .final_rate = -1}); },
          "cosine_restarts: final_rate -1" + size);
  refused([] { return every(constant(1), 0); }, "every: steps" + count);
}
