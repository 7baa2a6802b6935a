#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>

#include "tests/mcmc/rows.hpp"

// Kernels where the energy is not finite.
using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity(),
                 kNan = std::numeric_limits<double>::quiet_NaN();

/// |x|^2 / 2, but `bad` where a coordinate is beyond a cut, a parameter; the gradient is x.
struct Cut {
  double bad;
  ad::Params params;
  ad::Param cut = params.add("cut", {1}, [](std::span<Real> v) { v[0] = 1; });

  void set(double value) { params.mutate()[0] = Real(value); }

  Problem problem() const {
    return {[c = cut, b = bad](ad::Var x) {
              ad::Tape& tape = *x.tape;
              const ad::Var beyond = greater(x, broadcast_to(c.on(tape), x.shape()));
              return sum(0.5 * square(x) + where(beyond, ad::full(tape, x.shape(), b),
                                                 ad::full(tape, x.shape(), 0)),
                         1);
            },
            gaussian_proposal({0, 0}, {2, 2})};
  }
};

ad::Tensor all_at(double value) {
  ad::Tensor x({500, 2});
  std::ranges::fill(x.flat(), Real(value));
  return x;
}

/// The probability to accept.
double accepts(double current, double proposed, double correction = 0) {
  Counts counts;
  metropolis(current, proposed, correction, {}, 0, counts);
  BOOST_TEST(counts.proposed == 1);
  return counts.accepted;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(not_finite)

BOOST_AUTO_TEST_CASE(the_acceptance_rule_by_hand) {
  const auto near = boost::test_tools::tolerance(1e-14);
  BOOST_TEST(accepts(1, 3) == std::exp(-2), near);
  BOOST_TEST(accepts(1, 3, 0.5) == std::exp(-1.5), near);
  BOOST_TEST(accepts(3, 1) == 1);
  BOOST_TEST(accepts(3, 1, -5) == std::exp(-3), near);
  BOOST_TEST(accepts(3, 1, kNan) == 0);
  for (const double bad : {kNan, -kInfinity, kInfinity}) {
    BOOST_TEST(accepts(1, bad) == 0);
    BOOST_TEST(accepts(1, bad, 1e300) == 0);
    BOOST_TEST(accepts(bad, 1) == 1);
    BOOST_TEST(accepts(bad, 1, -1e300) == 1);
    for (const double other : {kNan, -kInfinity, kInfinity}) BOOST_TEST(accepts(bad, other) == 0);
  }
}

BOOST_AUTO_TEST_CASE(proposals_where_the_energy_is_nan_are_not_taken) {
  // x - log x: a gamma law in each coordinate, with mean 2 and not a number below 0.
  const Problem problem{[](ad::Var x) { return sum(x - log(x), 1); },
                        gaussian_proposal({2, 2}, {3, 3})};
  for (const Row& row : rows()) {
    if (row.ula_step > 0) continue;  // ULA has nothing to reject with
    const auto result = row.run(problem, all_at(1), {.steps = 60});
    BOOST_TEST(std::ranges::min(result.last.flat()) > 0, row.name);
    BOOST_TEST(result.counts.rate() > 0.1, row.name);
    BOOST_TEST(result.counts.rate() < 0.99, row.name);
  }
}

BOOST_AUTO_TEST_CASE(proposals_where_the_energy_is_infinite_are_not_taken) {
  for (const double bad : {-kInfinity, kInfinity}) {
    const Cut cut{bad};
    for (const Row& row : rows()) {
      if (row.ula_step > 0) continue;
      const auto result = row.run(cut.problem(), all_at(0), {.steps = 60});
      BOOST_TEST(std::ranges::max(result.last.flat()) <= 1, row.name << ", energy " << bad);
      BOOST_TEST(result.counts.rate() > 0.1, row.name << ", energy " << bad);
      BOOST_TEST(result.counts.rate() < 0.99, row.name << ", energy " << bad);
    }
  }
}

BOOST_AUTO_TEST_CASE(chains_whose_energy_is_no_longer_finite_move_to_where_it_is) {
  const ad::Tensor x = all_at(1.5);
  for (const double bad : {kNan, -kInfinity, kInfinity}) {
    for (const Row& row : rows()) {
      if (row.ula_step > 0) continue;
      Cut cut{bad};
      cut.set(2);
      const ad::Tensor after =
          row.refreshed(cut.problem(), x, [&] { cut.set(1); }, x, {{.seed = 1}});
      std::size_t moved = 0, good = 0;
      for (std::size_t i = 0; i < x.rows(); ++i) {
        moved += !std::ranges::equal(after.row(i), x.row(i));
        good += std::ranges::max(after.row(i)) <= 1;
      }
      BOOST_TEST(moved > 25u, row.name << ", energy " << bad);
      BOOST_TEST(moved == good, row.name << ", energy " << bad);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
