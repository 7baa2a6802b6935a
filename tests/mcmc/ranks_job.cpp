#include <boost/test/unit_test.hpp>

#include "mcmc/proposal.hpp"
#include "tests/mcmc/rows.hpp"
#include "tests/message.hpp"
#include "tests/ranks.hpp"

using namespace eqp;
namespace test = eqp::test;

namespace {

ad::Var energy(ad::Var x) { return 0.5 * sum(square(x - 0.3), 1); }

/// One whose log is NaN at and below 0: of the chains that start there the first one counts.
ad::Var above_zero(ad::Var x) { return sum(x - log(x), 1); }

BOOST_AUTO_TEST_SUITE(in_a_job, *boost::unit_test::fixture<test::Job>())

BOOST_AUTO_TEST_CASE(chains_are_those_of_one_process) {
  const mcmc::Mala mala(energy, 2, {.step_size = 0.4});
  const ad::Tensor x0 = ad::normal({11, 2}, {.seed = 1});
  ad::Tensor wanted, seen({11, 3, 2});
  double acceptance = 0;
  test::alone([&] {
    mcmc::Chains chains(mala, x0, 2);
    chains.advance(mala, 0, 3, {.seed = 2});
    wanted = chains.positions();
    acceptance = chains.counts().rate();
  });
  const auto visit = [&](std::size_t first, std::uint32_t step, ad::ConstView x) {
    for (std::size_t i = 0; i < x.rows(); ++i) {
      std::ranges::copy(x.row(i), &seen[((first + i) * 3 + step) * 2]);
    }
  };
  mcmc::Chains chains(mala, x0, 2), all(mala, x0, 2);
  all.advance(mala, 0, 3, {.seed = 2}, visit);
  const ad::Tensor by_all = std::exchange(seen, ad::Tensor(seen.shape()));
  const mcmc::Written written{seen.flat(), [](std::size_t chain) { return chain * 6; }};
  chains.advance(mala, 0, 3, {.seed = 2}, visit, {&written, 1});
  BOOST_TEST(std::ranges::equal(by_all.flat(), seen.flat()));
  BOOST_TEST(chains.counts().rate() == acceptance);
  BOOST_TEST(std::ranges::equal(chains.positions().flat(), wanted.flat()));
  for (std::size_t i = 0; i < 11; ++i) {
    BOOST_TEST(std::ranges::equal(seen.row(i).last(2), wanted.row(i)));
  }
  BOOST_TEST(chains.mean({}, 0, [](auto& state, const ad::BlockRng&) {
    return double(state.x().rows());
  }) == 1.0);
}

BOOST_AUTO_TEST_CASE(every_kernel_draws_what_one_process_does) {
  namespace kernels = mcmc::test;
  const kernels::Problem problem{energy, mcmc::gaussian_proposal({0, 0}, {1.5, 1.5})};
  const ad::Tensor x0 = ad::normal({22, 2}, {.seed = 4});
  for (const kernels::Row& row : kernels::rows()) {
    const mcmc::RunOptions options{
        .steps = 40, .warmup = 5, .thin = 3, .block = 4, .key = {.seed = 5}};
    mcmc::RunResult wanted;
    test::alone([&] { wanted = row.run(problem, x0, options); });
    const mcmc::RunResult got = row.run(problem, x0, options);
    BOOST_TEST(std::ranges::equal(got.draws.flat(), wanted.draws.flat()), row.name);
    BOOST_TEST(std::ranges::equal(got.last.flat(), wanted.last.flat()), row.name);
    BOOST_TEST(got.stats == wanted.stats, row.name);
    BOOST_TEST(got.counts.rate() == wanted.counts.rate(), row.name);
    BOOST_TEST(got.counts.gradients == wanted.counts.gradients, row.name);
  }
}

BOOST_AUTO_TEST_CASE(a_chain_that_cannot_go_on_is_named_by_every_rank) {
  const mcmc::Mala mala(above_zero, 1, {.step_size = 0.01});
  ad::Tensor x({11, 1});
  std::ranges::fill(x.flat(), Real(1));
  mcmc::Chains chains(mala, x, 2);
  x(7, 0) = x(10, 0) = Real(-1);
  const std::string what = test::message<ad::NonFinite>([&] { chains.set(mala, x); });
  BOOST_TEST(what.starts_with("chain 7"), what);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
