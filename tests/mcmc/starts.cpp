#include "mcmc/starts.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autodiff/parallel.hpp"
#include "mcmc/nuts.hpp"
#include "mcmc/run.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using eqp::test::refusal;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity(),
                 kNan = std::numeric_limits<double>::quiet_NaN();

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

/// |x|^2 / 2 where the first coordinate is positive, else `outside`.
Energy half_space(double outside) {
  return [=](ad::Var x) {
    const ad::Var first = reshape(slice(x, 1, 0, 1), {x.shape()[0]});
    ad::Tape& tape = *x.tape;
    return where(greater(first, ad::full(tape, first.shape(), 0)), half_square(x),
                 ad::full(tape, first.shape(), outside));
  };
}

Energy nowhere(double value) {
  return [=](ad::Var x) { return half_square(x) + value; };
}

bool equal(std::span<const Real> a, std::span<const Real> b) { return std::ranges::equal(a, b); }

}  // namespace

BOOST_AUTO_TEST_SUITE(starting)

BOOST_AUTO_TEST_CASE(starts_fill_the_region_and_belong_to_their_chains) {
  const ad::Tensor few = find_starts(half_square, 3, 3, {1, 2}),
                   many = find_starts(half_square, 3, 1000, {1, 2});
  BOOST_TEST(equal(few.flat(), many.flat().first(few.size())));
  const auto [low, high] = std::ranges::minmax(many.flat());
  BOOST_TEST((low > -2 && low < -1.99 && high < 2 && high > 1.99));
  const ad::Tensor other = find_starts(half_square, 3, 3, {2, 2});
  BOOST_TEST(!equal(few.flat(), other.flat()));

  const ad::Tensor box =
      find_starts(half_square, 2, 500, {1, 2}, {.low = {-1, 5}, .high = {0, 5.5}});
  double extent[2][2] = {{9, -9}, {9, -9}};
  for (std::size_t i = 0; i < 500; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      extent[j][0] = std::min<double>(extent[j][0], box(i, j));
      extent[j][1] = std::max<double>(extent[j][1], box(i, j));
    }
  }
  BOOST_TEST((extent[0][0] >= -1 && extent[0][0] < -0.95));
  BOOST_TEST((extent[0][1] <= 0 && extent[0][1] > -0.05));
  BOOST_TEST((extent[1][0] >= 5 && extent[1][0] < 5.02));
  BOOST_TEST((extent[1][1] <= 5.5 && extent[1][1] > 5.48));
  const ad::Tensor point = find_starts(half_square, 1, 4, {}, {.low = {0.5}, .high = {0.5}});
  BOOST_TEST(std::ranges::count(point.flat(), Real(0.5)) == 4);
}

BOOST_AUTO_TEST_CASE(half_of_the_space_without_density_is_left_out) {
  constexpr std::size_t n = 2000;
  const ad::Tensor all = find_starts(half_square, 2, n, {3, 0});
  for (const double outside : {kInfinity, kNan, -kInfinity}) {
    const Energy energy = half_space(outside);
    const ad::Tensor x = find_starts(energy, 2, n, {3, 0});
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      BOOST_TEST(x(i, 0) > 0);
      // Those that were good at once are where they would have been.
      if (all(i, 0) > 0) BOOST_TEST(equal(x.row(i), all.row(i)));
      sum += x(i, 0);
    }
    // Uniform on (0, 2).
    BOOST_TEST(std::abs(sum / n - 1) < 4 / std::sqrt(3.0 * n));
    const auto sample = [&](std::size_t chains, std::size_t threads) {
      return ad::with_threads(threads, [&] { return find_starts(energy, 2, chains, {3, 0}); });
    };
    BOOST_TEST(equal(sample(n, 1).flat(), x.flat()));
    BOOST_TEST(equal(sample(3, 8).flat(), x.flat().first(6)));
    BOOST_TEST(equal(sample(1, 8).flat(), x.flat().first(2)));
    // A run can begin there, and keeps to that half.
    const RunResult result = run(Nuts(energy, 2, {.step_size = 0.5}), sample(4, 1), {.steps = 50});
    for (std::size_t i = 0; i < result.draws.size(); i += 2) BOOST_TEST(result.draws[i] > 0);
  }
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_is_no_start_either) {
  // sqrt(max(x, 0)) has the value 0 at and below 0, and no slope.
  const Energy energy = [](ad::Var x) { return sum(sqrt(0.5 * (x + abs(x))), 1); };
  const ad::Tensor x = find_starts(energy, 1, 50, {4, 0});
  BOOST_TEST(std::ranges::min(x.flat()) > 0);
  const std::string what = refusal([&] {
    find_starts(energy, 1, 50, {4, 0}, {.low = {-2}, .high = {-1}});
  });
  BOOST_TEST(what.starts_with("find_starts: chain 0 has no start: of 100 points, 0 had an energy "
                              "of nan, 0 an infinite one and 100 a gradient that is not finite; at "
                              "the last one "),
             what);
}

BOOST_AUTO_TEST_CASE(where_there_is_no_start_the_chain_and_the_reason_are_named) {
  for (const std::size_t chains : {1, 300}) {
    BOOST_TEST(refusal([&] { find_starts(nowhere(kNan), 2, chains, {}); })
                   .starts_with("find_starts: chain 0 has no start: of 100 points, 100 had an "
                                "energy of nan, 0 an infinite one and 0 a gradient that is not "
                                "finite; at the last one "));
  }
  const std::string walled =
      refusal([] { find_starts(nowhere(kInfinity), 1, 2, {}, {.attempts = 7}); });
  BOOST_TEST(walled.starts_with("find_starts: chain 0 has no start: of 7 points, 0 had an energy "
                                "of nan, 7 an infinite one and 0 a gradient that is not finite"),
             walled);
  BOOST_TEST(walled.ends_with("; choose a region where the target has a density"), walled);
  // The operation that is to blame, in its layer, and the first of the chains without luck.
  const Energy logarithm = [](ad::Var x) {
    const ad::Scope scope(*x.tape, "prior");
    return sum(log(x), 1);
  };
  const StartOptions rare{.low = {-1}, .high = {0.3}, .attempts = 3};
  const std::string unlucky = refusal([&] { find_starts(logarithm, 1, 200, {5, 0}, rare); });
  BOOST_TEST(unlucky.find("log in prior: nan") != unlucky.npos, unlucky);
  const auto first = [&](std::size_t chains) {
    return refusal([&] { find_starts(logarithm, 1, chains, {5, 0}, rare); });
  };
  std::size_t chains = 1;
  while (first(chains).empty()) ++chains;
  BOOST_TEST(unlucky.starts_with("find_starts: chain " + std::to_string(chains - 1) +
                                 " has no start: of 3 points, 3 had an energy of nan"),
             unlucky);
}

BOOST_AUTO_TEST_CASE(what_an_energy_throws_comes_through) {
  const Energy throws = [](ad::Var) -> ad::Var { throw std::runtime_error("no data"); };
  BOOST_TEST(test::message<std::runtime_error>([&] { find_starts(throws, 2, 3, {}); }) ==
             "no data");
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  const auto refused = [](const StartOptions& options) {
    return refusal([&] { find_starts(half_square, 2, 3, {}, options); });
  };
  BOOST_TEST(refusal([] { find_starts(half_square, 2, 0, {}); }) ==
             "find_starts: 0 chains in 2 dimensions; need at least 1 of each");
  BOOST_TEST(refused({.attempts = 0}) == "find_starts: attempts 0; need at least 1");
  BOOST_TEST(refused({.low = {1, 2, 3}}) == "find_starts: 3 bounds of a region; need 1 or 2");
  BOOST_TEST(refused({.high = {}}) == "find_starts: 0 bounds of a region; need 1 or 2");
  BOOST_TEST(refused({.low = {0, 3}}) ==
             "find_starts: coordinate 1 between 3 and 2; need finite bounds, the lower one first");
  BOOST_TEST(refused({.high = {kInfinity}}) ==
             "find_starts: coordinate 0 between -2 and inf; need finite bounds, the lower one "
             "first");
  BOOST_TEST(refused({.low = {kNan}}).starts_with("find_starts: coordinate 0 between "));
}

BOOST_AUTO_TEST_SUITE_END()
