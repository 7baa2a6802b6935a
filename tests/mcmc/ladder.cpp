#include "mcmc/ladder.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "mcmc/baoab.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/tempering.hpp"
#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing thrown";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ladders)

BOOST_AUTO_TEST_CASE(ladders_are_equalised_by_parts_of_the_barrier) {
  const std::vector<double> betas{1, 0.6, 0.5, 0.1}, rejection{0.4, 0.1, 0.1};
  const std::vector<double> moved = equalised(betas, rejection), expected{1, 0.8, 0.6, 0.1};
  BOOST_TEST(moved == expected, boost::test_tools::tolerance(1e-12)
                                    << boost::test_tools::per_element());
  const std::vector<double> never{0, 0, 0};
  BOOST_TEST(equalised(betas, never) == betas, boost::test_tools::tolerance(1e-12)
                                                   << boost::test_tools::per_element());
  LadderReport report;
  report.barrier = 3;
  BOOST_TEST(report.replicas_for(0.5) == 7u);
}

BOOST_AUTO_TEST_CASE(ladders_that_make_no_sense_are_refused) {
  const auto mala = [](const Energy& tempered, double) { return Mala(tempered, 2, {}); };
  const auto make = [&](std::vector<double> betas, Proposal base = {}) {
    return message(
        [&] { ParallelTempering<Mala>(half_square, 2, mala, {.betas = betas, .base = base}); });
  };
  for (const std::vector<double>& bad : std::vector<std::vector<double>>{
           {}, {1}, {0.9, 0.1}, {1, 1}, {1, 0.1, 0.2}, {1, -0.5}, {1, std::nan("")}}) {
    BOOST_TEST(make(bad).starts_with("ParallelTempering: betas"));
  }
  BOOST_TEST(make({1, 0}) ==
             "ParallelTempering: the last beta is 0 without a base; need one, or a "
             "last beta above 0");
  BOOST_TEST(make({1, 0.5}, gaussian_proposal({0}, {1})) ==
             "ParallelTempering: a base of dim 1; need that of the energy, 2");
  BOOST_TEST(message([] { geometric_ladder(1, 4); }) ==
             "geometric_ladder: hottest 1, 4 replicas; need a number between 0 and 1 and at least "
             "2 replicas");
  BOOST_TEST(message([] { LadderReport().replicas_for(1); }) ==
             "replicas_for: rate 1; need a number between 0 and 1");
  const auto unadjusted = [](const Energy& tempered, double) { return Baoab(tempered, 2, {}); };
  const ParallelTempering<Baoab> kernel(half_square, 2, unadjusted, {});
  BOOST_TEST(message([&] {
               run(kernel, ad::Tensor({2, 2}), {.warmup = 5, .target_accept = 0.6});
             }) == "run: target_accept for a kernel that has no step size to adapt");
}

BOOST_AUTO_TEST_SUITE_END()
