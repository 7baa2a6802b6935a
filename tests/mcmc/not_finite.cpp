#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>

#include "mcmc/proposal.hpp"
#include "tests/mcmc/rows.hpp"
#include "tests/message.hpp"

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

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

/// What stopped f, empty if nothing did.
template <class F>
std::string stopped(const F& f) {
  return eqp::test::message<ad::NonFinite>(f);
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
    if (row.unadjusted) continue;  // nothing to reject with
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
      if (row.unadjusted) continue;
      const auto result = row.run(cut.problem(), all_at(0), {.steps = 60});
      BOOST_TEST(std::ranges::max(result.last.flat()) <= 1, row.name << ", energy " << bad);
      BOOST_TEST(result.counts.rate() > 0.1, row.name << ", energy " << bad);
      BOOST_TEST(result.counts.rate() < 0.99, row.name << ", energy " << bad);
    }
  }
}

BOOST_AUTO_TEST_CASE(rejected_proposals_are_counted_and_the_run_warns_of_them) {
  const Problem problem{[](ad::Var x) { return sum(x - log(x), 1); },  // NaN below 0, infinite at 0
                        gaussian_proposal({2, 2}, {3, 3})};
  for (const Row& row : rows()) {
    if (row.unadjusted) continue;
    const auto result = row.run(problem, all_at(1), {.steps = 60});
    const std::uint64_t nan = result.counts.nan + result.global.nan;
    BOOST_TEST(nan > 500u, row.name);
    const std::vector<Warning> all = warnings(result.facts);
    const auto rejected = std::ranges::find(all, "proposals", &Warning::kind);
    BOOST_REQUIRE((rejected != all.end()));
    BOOST_TEST(rejected->what == std::to_string(nan) +
                                     " proposals were rejected because their energy was not finite "
                                     "(" +
                                     std::to_string(nan) + " nan, 0 infinite)");
  }
  const Cut cut{kInfinity};
  const auto walled = rows()[1].run(cut.problem(), all_at(0), {.steps = 60});
  BOOST_TEST(walled.counts.not_finite > 500u);
  BOOST_TEST(walled.counts.nan == 0u);
  BOOST_TEST(warnings(walled.facts)[0].what.find("(0 nan, ") != std::string::npos);
  const auto free = rows()[1].run({half_square, {}}, all_at(0), {.steps = 10});
  BOOST_TEST(warnings(free.facts).empty());
}

BOOST_AUTO_TEST_CASE(a_chain_whose_energy_is_no_longer_finite_stops_the_run) {
  const ad::Tensor x = all_at(1.5);
  for (const double bad : {kNan, -kInfinity, kInfinity}) {
    for (const Row& row : rows()) {
      if (row.unadjusted) continue;  // ULA asks for the gradient only
      Cut cut{bad};
      cut.set(2);
      const std::string what =
          stopped([&] { row.refreshed(cut.problem(), x, [&] { cut.set(1); }, x, {{.seed = 1}}); });
      BOOST_TEST(
          what.find(": a chain is where the energy is not finite: where: ") != std::string::npos,
          row.name << ": " << what);
      BOOST_TEST(
          what.ends_with("; check the positions the chains were set to or, in training, lower "
                         "the learning rate or clip the gradient"),
          what);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_chain_that_is_where_the_energy_is_not_finite_is_named) {
  Cut cut{kNan};
  const Mala kernel(cut.problem().energy, 2, {.step_size = 0.1});
  ad::Tensor x = all_at(0);
  Chains chains(kernel, x, 64);
  x(70, 1) = 1.25;
  const std::string report =
      "chain 70: Mala: a chain is where the energy is not finite: where: nan in row 6 of (64, 2), "
      "from input (64, 2) in [0, 1]; input (64, 2) with 128 not finite; input (64, 2) in [0, 0]; "
      "check the positions the chains were set to or, in training, lower the learning rate or clip "
      "the gradient";
  BOOST_TEST(stopped([&] { chains.set(kernel, x); }) == report);
  BOOST_TEST(stopped([&] { chains.refresh(kernel); }) == report);
  x(70, 1) = Real(kNan);
  BOOST_TEST(stopped([&] { chains.set(kernel, x); }) ==
             "chain 70: Mala: a chain is where the energy is not finite: input 0: nan in row 6 of "
             "(64, 2); check the positions the chains were set to");
}

BOOST_AUTO_TEST_CASE(a_langevin_chain_that_explodes_is_named_with_the_step) {
  const Energy quartic = [](ad::Var x) {
    const ad::Scope scope(*x.tape, "quartic");
    return sum(square(square(x)), 1);
  };
  ad::Tensor x = all_at(0);
  x(70, 1) = 1000;
  const std::string what =
      stopped([&] { run(Ula(quartic, 2, {.step_size = 0.01}), x, {.steps = 100, .block = 64}); });
  const std::string step = sizeof(Real) == 4 ? "2" : "4";
  BOOST_TEST(
      what.starts_with("chain 70 at step " + step +
                       ": Ula: the position is no longer finite: multiply in quartic: inf in "
                       "row 6 of (64, 2), from input (64, 2) in ["),
      what);
  BOOST_TEST(what.ends_with("; lower the step size or bound the chain"), what);
  // The same energy from a bounded chain is sampled.
  BOOST_TEST(stopped([&] {
               run(Ula(quartic, 2, {.step_size = 0.01, .bound = 2}), x, {.steps = 100});
             }) == "");
  // A finite gradient may throw a chain out too.
  const Energy steep = [](ad::Var y) {
    return sum(y * (0.5 * double(std::numeric_limits<Real>::max())), 1);
  };
  const std::string thrown =
      stopped([&] { run(Ula(steep, 2, {.step_size = 4}), all_at(0), {.steps = 1, .block = 64}); });
  BOOST_TEST(
      thrown.starts_with(
          "chain 0 at step 0: Ula: the position is no longer finite: from 0 by a gradient of "),
      thrown);
}

BOOST_AUTO_TEST_CASE(a_block_all_of_whose_proposals_are_nan_stops_the_run) {
  // A value at 1 and almost nowhere else.
  const Problem island{[](ad::Var x) { return sum(log(1e-9 - square(x - 1.0)), 1); },
                       gaussian_proposal({0, 0}, {1, 1})};
  for (const Row& row : rows()) {
    if (row.unadjusted || row.shrinks) continue;
    const std::string what =
        stopped([&] { row.run(island, all_at(1), {.steps = 30, .block = 64}); });
    BOOST_TEST(what.starts_with("chains 0 to 63 at step "), row.name << ": " << what);
    BOOST_TEST(what.find(" proposals were all nan: log: nan in row ") != what.npos, what);
  }
  // A chain alone may be unlucky for a while, but not for ever.
  const ad::Tensor one = ad::Tensor(all_at(1).view().slice(0, 1));
  const Row mala = rows()[1];
  BOOST_TEST(stopped([&] { mala.run(island, one, {.steps = 31}); }) == "");
  const std::string alone = stopped([&] { mala.run(island, one, {.steps = 32}); });
  BOOST_TEST(alone.starts_with("chain 0 at step 31: Mala: the last 32 proposals were all nan: "
                               "log: nan in row 0 of (1, 2), from input (1, 2) in ["),
             alone);
  BOOST_TEST(
      alone.ends_with("; lower the step size, or give the energy +infinity where it has no "
                      "value"));
  // A trajectory that leaves the finite long before its end tells what happened there.
  const Energy quartic = [](ad::Var x) {
    const ad::Scope scope(*x.tape, "quartic");
    return sum(sqrt(1.0 - square(square(x))), 1);
  };
  const std::string leapt = stopped([&] {
    run(Hmc(quartic, 2, {.step_size = 3, .leapfrog_steps = 20}), all_at(0.5), {.steps = 30});
  });
  BOOST_TEST(leapt.find("at step 9: Hmc: the last ") != leapt.npos, leapt);
  BOOST_TEST(
      leapt.find(" proposals were all nan: sqrt in quartic: nan in row 0 of (") != leapt.npos,
      leapt);
  // Infinite walls are nothing to stop for.
  for (const Row& row : rows()) {
    if (row.unadjusted) continue;
    Cut cut{kInfinity};
    cut.set(-1);
    BOOST_TEST(stopped([&] { row.run(cut.problem(), all_at(-1.01), {.steps = 3}); }) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
