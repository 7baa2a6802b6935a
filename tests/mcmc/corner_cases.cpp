#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "mcmc/proposal.hpp"
#include "tests/mcmc/rows.hpp"
#include "tests/message.hpp"

// Kernels where there is little to hold on to: one dimension, one chain, no shape at all.
using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;

namespace {

ad::Var gaussian_energy(ad::Var x) { return 2.0 * sum(square(x - 1.0), 1); }  // N(1, 1/4)

/// The same value everywhere; recorded as a function of x, or not.
ad::Var flat(ad::Var x) { return sum(0.0 * x, 1) + 3.0; }
ad::Var unrelated(ad::Var x) { return ad::full(*x.tape, {x.shape()[0]}, 3); }

ad::Tensor near_zero(std::size_t chains, std::size_t d) {
  ad::Tensor x = ad::normal({chains, d}, {.seed = 11});
  for (Real& v : x.flat()) v *= Real(0.1);
  return x;
}

bool equal(const ad::Tensor& a, const ad::Tensor& b) {
  return std::ranges::equal(a.flat(), b.flat());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(corner_cases)

BOOST_AUTO_TEST_CASE(kernels_sample_a_line) {
  constexpr std::size_t n = 4000;
  const Problem problem{gaussian_energy, gaussian_proposal({0.5}, {0.8})};
  for (const Row& row : rows_on_a_line()) {
    if (row.unadjusted) continue;  // biased, by steps that are tested elsewhere
    // Chains that have forgotten where they began are independent draws.
    const RunResult result = row.run(problem, ad::Tensor({n, 1}), {.steps = 40, .thin = 40});
    double mean = 0, square = 0;
    for (const Real x : result.last.flat()) {
      mean += x / double(n);
      square += (double(x) - 1) * (double(x) - 1) / double(n);
    }
    BOOST_TEST(std::abs(mean - 1) < 4 * 0.5 / std::sqrt(double(n)), row.name << ": " << mean);
    BOOST_TEST(std::abs(square / 0.25 - 1) < 4 * std::sqrt(2.0 / double(n)),
               row.name << ": " << square);
  }
}

BOOST_AUTO_TEST_CASE(kernels_run_where_the_target_is_constant) {
  const std::vector<std::string> always_accept{"mala",   "random walk", "hmc",
                                               "barker", "nuts",        "parallel tempering"};
  for (const Energy& energy : {Energy(flat), Energy(unrelated)}) {
    const Problem problem{energy, gaussian_proposal({0}, {1})};
    for (const Row& row : rows_on_a_line()) {
      const ad::Tensor x0 = near_zero(7, 1);
      const RunResult result = row.run(problem, x0, {.steps = 3});
      BOOST_TEST(ad::all_finite(result.draws.flat()), row.name);
      BOOST_TEST(!equal(result.last, x0), row.name);
      BOOST_TEST(result.counts.not_finite == 0u, row.name);
      if (std::ranges::count(always_accept, row.name) > 0) {
        BOOST_TEST(result.counts.rate() == 1, row.name);
      }
    }
  }
  // A path that never turns ends at its largest depth, and that is said.
  const RunResult straight = run(Nuts(flat, 1, {.max_depth = 5}), near_zero(7, 1), {.steps = 3});
  BOOST_TEST(straight.counts.saturations == 21u);
  BOOST_TEST(warnings(straight.facts)[0].kind == "max_depth");
}

BOOST_AUTO_TEST_CASE(one_chain_is_a_run_and_the_first_of_many) {
  const Problem problem{[](ad::Var x) { return 0.5 * sum(square(x), 1); },
                        gaussian_proposal({0, 0}, {1.5, 1.5})};
  const ad::Tensor many = near_zero(5, 2), one(many.view().slice(0, 1));
  for (const Row& row : rows()) {
    const RunResult alone = row.run(problem, one, {.steps = 40, .warmup = 5});
    const RunResult first = row.run(problem, many, {.steps = 40, .warmup = 5, .block = 1});
    BOOST_TEST((alone.draws.shape() == ad::Shape{1, 40, 2}), row.name);
    BOOST_TEST(std::ranges::equal(alone.draws.flat(), first.draws.flat().first(80)), row.name);
    BOOST_TEST(!equal(alone.last, one), row.name);
  }
}

BOOST_AUTO_TEST_CASE(more_threads_than_chains_change_nothing) {
  const Problem problem{[](ad::Var x) { return 0.5 * sum(square(x), 1); },
                        gaussian_proposal({0, 0}, {1.5, 1.5})};
  for (const std::size_t chains : {1, 3}) {
    for (const Row& row : rows()) {
      const auto with = [&](std::size_t threads) {
        return ad::with_threads(threads, [&] {
          return row.run(problem, near_zero(chains, 2), {.steps = 20, .block = 1}).draws;
        });
      };
      BOOST_TEST(equal(with(1), with(8)), row.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(
    an_energy_that_throws_or_has_no_value_stops_every_kernel_before_its_first_step) {
  const Energy throws = [](ad::Var) -> ad::Var { throw std::runtime_error("no data"); };
  const Energy undefined = [](ad::Var x) { return sum(x, 1) + std::nan(""); };
  for (const Row& row : rows()) {
    const auto run_on = [&](const Energy& energy) {
      return eqp::test::message([&] {
        row.run({energy, gaussian_proposal({0, 0}, {1, 1})}, near_zero(3, 2), {.steps = 2});
      });
    };
    BOOST_TEST(run_on(throws) == "no data", row.name);
    if (row.unadjusted) continue;  // asks for the gradient only
    const std::string what = run_on(undefined);
    BOOST_TEST(what.find("chain 0 starts at ") != what.npos, row.name << ": " << what);
  }
}

BOOST_AUTO_TEST_SUITE_END()
