#include <boost/test/unit_test.hpp>

#include "train/schedule.hpp"

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

// torch 2.13: CosineAnnealingLR(SGD([p], lr=0.8), T_max=8, eta_min=0.2).get_last_lr()
BOOST_AUTO_TEST_CASE(cosine_agrees_with_pytorch_and_then_stays) {
  check_close(rates(cosine(0.8, 8, 0.2), 11),
              {0.8, 0.777163859753386, 0.712132034355964, 0.614805029709527, 0.5, 0.385194970290473,
               0.287867965644036, 0.222836140246614, 0.2, 0.2, 0.2});
}

BOOST_AUTO_TEST_CASE(warm_up_ends_at_the_schedules_own_rate) {
  check_close(rates(with_warmup(constant(0.6), 3), 5), {0.2, 0.4, 0.6, 0.6, 0.6});
  check_close(rates(with_warmup(step_decay(0.8, {1}, 0.5), 2), 3), {0.4, 0.4, 0.4});
  check_close(rates(with_warmup(constant(0.6), 0), 1), {0.6});
}
