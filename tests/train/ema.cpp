#include "train/ema.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using namespace eqp;
using namespace eqp::train;

namespace {

using Vector = std::vector<double>;

const std::vector<Vector> kPath{{1, -2}, {2, 0}, {-1, 5}, {4, 3}};

void put(ad::Params& params, const Vector& p) { std::ranges::copy(p, params.mutate().begin()); }

void check_close(const ad::Params& params, const Vector& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST(std::abs(params.values()[i] - expected[i]) < (sizeof(Real) == 4 ? 1e-6 : 1e-14));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_moving_average_is_the_weighted_sum_of_the_past) {
  ad::Params params;
  params.add("p", {2}, [](std::span<Real>) {});
  put(params, kPath[0]);
  Ema ema(params, 0.8);
  Vector expected{kPath[0][0] * std::pow(0.8, 3), kPath[0][1] * std::pow(0.8, 3)};
  for (std::size_t t = 1; t <= 3; ++t) {
    put(params, kPath[t]);
    ema.update(params);
    for (std::size_t i = 0; i < 2; ++i) {
      expected[i] += 0.2 * std::pow(0.8, 3 - double(t)) * kPath[t][i];
    }
  }
  const std::uint64_t version = params.version();
  ema.swap(params);
  check_close(params, expected);
  BOOST_TEST(params.version() > version);  // programs must notice
  ema.swap(params);
  check_close(params, {4, 3});
}

BOOST_AUTO_TEST_CASE(a_warm_up_keeps_less_of_the_start) {
  ad::Params params;
  params.add("p", {2}, [](std::span<Real>) {});
  put(params, kPath[0]);
  Ema ema(params, {.decay = 0.2, .warmup = true});
  Vector expected = kPath[0];
  for (std::size_t t = 1; t <= 3; ++t) {
    put(params, kPath[t]);
    ema.update(params);
    const double keep = std::vector<double>{2. / 11, 0.2, 0.2}[t - 1];  // 3/12 is above 0.2
    for (std::size_t i = 0; i < 2; ++i) {
      expected[i] = keep * expected[i] + (1 - keep) * kPath[t][i];
    }
  }
  ema.swap(params);
  check_close(params, expected);
}

BOOST_AUTO_TEST_CASE(a_decay_that_is_none_is_refused) {
  const ad::Params params;
  for (const double decay : {-0.1, 1.0, std::nan("")}) {
    BOOST_CHECK_THROW(Ema(params, decay), std::invalid_argument);
  }
}
