#include <boost/test/unit_test.hpp>
#include <cstring>

#include "autodiff/parallel.hpp"
#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "mcmc/alternate.hpp"
#include "mcmc/baoab.hpp"
#include "mcmc/barker.hpp"
#include "mcmc/elliptical_slice.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/nuts.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/pull_back.hpp"
#include "mcmc/random_walk.hpp"
#include "mcmc/targets/banana.hpp"
#include "mcmc/tempering.hpp"
#include "mcmc/ula.hpp"
#include "tests/mcmc/runs.hpp"
#include "tests/memory.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using eqp::test::Memory;

// A run that is stopped, in warm-up or later, and goes on in another process, which has made
// everything anew, against one that was never stopped.
namespace {

constexpr std::size_t kChains = 20, kDim = 2;

const Energy& bent() {
  static const Energy energy = banana({.dim = kDim, .std = 1.4, .curvature = 0.4}).energy;
  return energy;
}

bool same(const RunResult& a, const RunResult& b) {
  const auto equal = [](const ad::Tensor& x, const ad::Tensor& y) {
    return x.shape() == y.shape() &&
           std::memcmp(x.flat().data(), y.flat().data(), x.flat().size_bytes()) == 0;
  };
  return equal(a.draws, b.draws) && equal(a.last, b.last) && a.step_size == b.step_size &&
         a.metric == b.metric && a.ladder.betas == b.ladder.betas &&
         a.ladder.round_trips == b.ladder.round_trips && a.counts.accepted == b.counts.accepted &&
         a.counts.gradients == b.counts.gradients && a.global.accepted == b.global.accepted;
}

/// make() gives the kernel; 40 steps of warm-up and 100 recorded ones.
template <class Make>
void check_resume(const std::string& name, const Make& make, RunOptions options = {}) {
  options.steps = 100, options.warmup = 40, options.thin = 3;
  options.block = 8;
  options.key = {7, 0};
  const ad::Tensor x0 = ad::normal({kChains, kDim}, {8, 0});
  const RunResult expected = run(make(), x0, options);
  BOOST_TEST_CONTEXT(name) {
    // Offers: after every step of a warm-up that adapts, else every 32 steps or at its end.
    for (const std::size_t stop_after : {1, 3}) {
      Memory memory;
      options.keeper = &memory;
      memory.stop_after = stop_after;
      const RunResult cut = run(make(), x0, options);
      BOOST_TEST(cut.draws.shape()[1] < expected.draws.shape()[1]);
      memory.stop_after = std::size_t(-1);
      const RunResult whole = ad::with_threads(3, [&] { return run(make(), x0, options); });
      BOOST_TEST(same(whole, expected));
      // What has ended is there at once.
      BOOST_TEST(same(run(make(), x0, options), expected));
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resume)

BOOST_AUTO_TEST_CASE(every_kernel_goes_on_with_the_bits_it_would_have_had) {
  const Proposal wide = gaussian_proposal({0, 0}, {2, 2});
  const RunOptions adapted{.target_accept = 0.6, .largest_step = 2};
  const auto mala = [] { return Mala(bent(), kDim, {.step_size = 0.2}); };
  check_resume("mala", mala);
  check_resume("mala, adapted", mala, adapted);
  check_resume(
      "random walk", [] { return RandomWalk(bent(), kDim, {.step_size = 0.7}); }, adapted);
  check_resume("ula", [] { return Ula(bent(), kDim, {.step_size = 0.05, .bound = 20}); });
  check_resume(
      "barker", [] { return Barker(bent(), kDim, {.step_size = 0.7}); }, adapted);
  check_resume("baoab", [] { return Baoab(bent(), kDim, {.step_size = 0.1}); });
  check_resume("elliptical slice", [] {
    const auto base = std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(kDim, 2));
    return EllipticalSlice(bent(), base, {});
  });
  check_resume("independent mh", [&] { return IndependentMh(bent(), wide); });
  check_resume("i-sir", [&] { return Isir(bent(), wide, {.particles = 5}); });
  for (const Step step : {Step::cycle, Step::move}) {
    check_resume(
        "i-sir and mala",
        [&] {
          return Alternate(Isir(bent(), wide, {.particles = 5}), mala(),
                           {.local_steps = 3, .step = step});
        },
        adapted);
  }
  check_resume(
      "parallel tempering",
      [] {
        const auto make = [](const Energy& u, double beta) {
          return Mala(u, kDim, {.step_size = 0.2 / beta});
        };
        return ParallelTempering<Mala>(bent(), kDim, make, {.betas = {1, 0.4, 0.1}});
      },
      adapted);
  ad::Params params;
  const auto map = std::make_shared<flows::Whitening>(params, "w", kDim);
  params.mutate()[0] = Real(0.7);
  check_resume(
      "mala through a map",
      [&] {
        const Transport t = transport(map);
        return Pulled(Mala(pull_back(bent(), t), kDim, {.step_size = 0.2}), t);
      },
      adapted);
}

BOOST_AUTO_TEST_CASE(so_do_step_sizes_and_metrics_that_adapt) {
  for (const Metric::Kind kind :
       {Metric::Kind::unit, Metric::Kind::diagonal, Metric::Kind::dense}) {
    const RunOptions adapted{.adapt = WarmupOptions{.metric = kind}};
    check_resume(
        "hmc", [] { return Hmc(bent(), kDim, {.step_size = 0.3, .jitter = 0.4}); }, adapted);
    check_resume(
        "mala", [] { return Mala(bent(), kDim, {.step_size = 0.2}); }, adapted);
    check_resume(
        "nuts", [] { return Nuts(bent(), kDim, {.step_size = 0.3}); }, adapted);
  }
}

BOOST_AUTO_TEST_CASE(the_state_of_another_run_is_refused) {
  Memory memory;
  const ad::Tensor x0 = ad::normal({kChains, kDim}, {8, 0});
  const RunOptions options{.steps = 40, .key = {7, 0}, .keeper = &memory};
  run(Mala(bent(), kDim, {.step_size = 0.2}), x0, options);
  BOOST_CHECK_THROW(run(RandomWalk(bent(), kDim, {.step_size = 0.2}), x0, options),
                    std::invalid_argument);
  const ad::Tensor fewer = ad::normal({kChains - 1, kDim}, {8, 0});
  BOOST_CHECK_THROW(run(Mala(bent(), kDim, {.step_size = 0.2}), fewer, options),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
