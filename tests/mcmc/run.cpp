#include "mcmc/run.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "mcmc/alternate.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/ula.hpp"
#include "tests/mcmc/runs.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using eqp::test::refusal;

namespace {

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

Mala mala() { return Mala(half_square, 2, {.step_size = 0.1}); }
Isir isir(std::size_t particles = 4) {
  return Isir(half_square, gaussian_proposal({0, 0}, {1.5, 1.5}), {.particles = particles});
}
ad::Tensor start(std::size_t chains) { return ad::normal({chains, 2}, {.seed = 1}); }

bool equal(std::span<const Real> a, std::span<const Real> b) { return std::ranges::equal(a, b); }

}  // namespace

BOOST_AUTO_TEST_SUITE(running)

BOOST_AUTO_TEST_CASE(thinning_and_warm_up_choose_among_the_same_draws) {
  const auto all = run(mala(), start(5), {.steps = 9, .block = 2});
  const auto some = run(mala(), start(5), {.steps = 7, .warmup = 2, .thin = 3, .block = 2});
  BOOST_TEST((some.draws.shape() == ad::Shape{5, 2, 2}));
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t t = 0; t < 2; ++t) {
      const std::size_t step = 2 + 3 * (t + 1) - 1;
      BOOST_TEST(equal(some.draws.flat().subspan((i * 2 + t) * 2, 2),
                       all.draws.flat().subspan((i * 9 + step) * 2, 2)));
    }
    BOOST_TEST(equal(some.last.row(i), all.draws.flat().subspan((i * 9 + 8) * 2, 2)));
  }
}

BOOST_AUTO_TEST_CASE(a_run_that_is_stopped_keeps_the_draws_it_had) {
  const auto all = run(mala(), start(5), {.steps = 200, .thin = 3, .block = 2});
  int asked = 0;
  const auto some = run(mala(), start(5),
                        {.steps = 200, .thin = 3, .block = 2, .stop = [&] { return ++asked > 3; }});
  const std::size_t kept = some.draws.shape()[1];
  BOOST_TEST(kept > 0u);
  BOOST_TEST(kept < 66u);
  for (std::size_t i = 0; i < 5; ++i) {
    BOOST_TEST(equal(some.draws.row(i), all.draws.row(i).first(kept * 2)));
  }
  const auto never = run(mala(), start(5), {.steps = 200, .thin = 3, .stop = [] { return false; }});
  BOOST_TEST(equal(never.draws.flat(), all.draws.flat()));
}

BOOST_AUTO_TEST_CASE(only_the_recorded_phase_is_counted) {
  const auto result = run(mala(), start(5), {.steps = 9, .warmup = 4, .block = 2});
  BOOST_TEST(result.counts.proposed == 45.0);
  BOOST_TEST(result.counts.gradients == 45u);
  BOOST_TEST(result.step_size == 0.1);
  BOOST_TEST(run(Ula(half_square, 2, {}), start(5), {.steps = 9}).counts.gradients == 45u);
  BOOST_TEST(run(isir(), start(5), {.steps = 9}).counts.gradients == 0u);
}

BOOST_AUTO_TEST_CASE(ula_keeps_positions_within_its_bound_and_leaves_the_others_alone) {
  const auto at = [](double bound) {
    return run(Ula(half_square, 2, {.step_size = 0.1, .bound = bound}), start(50), {.steps = 1})
        .last;
  };
  const ad::Tensor free = at(std::numeric_limits<double>::infinity()), bounded = at(0.5);
  std::size_t clamped = 0;
  for (std::size_t k = 0; k < free.size(); ++k) {
    BOOST_TEST(bounded[k] == std::clamp(free[k], Real(-0.5), Real(0.5)));
    clamped += bounded[k] != free[k];
  }
  BOOST_TEST(clamped > 10u);
  BOOST_TEST(clamped < 90u);
}

BOOST_AUTO_TEST_CASE(the_step_size_adapts_to_the_target_and_is_then_frozen) {
  for (const double target : {0.6, 0.9}) {
    const RunOptions options{.steps = 200, .warmup = 200, .block = 32, .target_accept = target};
    const auto result = run(mala(), start(200), options);
    BOOST_TEST(std::abs(result.counts.rate() - target) < 0.04);
    const auto frozen =
        run(Mala(half_square, 2, {.step_size = result.step_size}), start(200), {.steps = 200});
    BOOST_TEST(std::abs(frozen.counts.rate() - result.counts.rate()) < 0.01);
    const auto serial = ad::with_threads(1, [&] { return run(mala(), start(200), options); });
    BOOST_TEST(serial.step_size == result.step_size);
    BOOST_TEST(equal(serial.draws.flat(), result.draws.flat()));
  }
  const RunOptions capped{.warmup = 100, .target_accept = 0.5, .largest_step = 0.25};
  BOOST_TEST(run(mala(), start(50), capped).step_size == 0.25);
}

BOOST_AUTO_TEST_CASE(the_adapter_changes_a_step_by_five_percent_outside_a_band) {
  const StepSizeAdapter adapter({.target = 0.75});
  const auto updated = [&](double acceptance) {
    double h = 1;
    adapter.update(h, acceptance);
    return h;
  };
  BOOST_TEST(updated(0.79) == 1.05);
  BOOST_TEST(updated(0.77) == 1.0);
  BOOST_TEST(updated(0.73) == 1.0);
  BOOST_TEST(updated(0.71) == 1 / 1.05);
}

BOOST_AUTO_TEST_CASE(the_adapter_changes_a_step_by_more_after_many_steps_far_off) {
  const StepSizeAdapter adapter({.target = 0.75});
  const auto decisions = [&](double acceptance, std::uint32_t steps) {
    double h = 1;
    adapter.update(h, acceptance, steps);
    return std::log(h) / std::log(1.05);
  };
  BOOST_TEST(std::abs(decisions(0.25, 20) + 10) < 1e-9);
  BOOST_TEST(std::abs(decisions(0, 1000) + 30) < 1e-9);
  BOOST_TEST(std::abs(decisions(1, 8) - 2) < 1e-9);
  BOOST_TEST(std::abs(decisions(0.8, 8) - 1) < 1e-9);
  BOOST_TEST(decisions(0.73, 1000) == 0.0);
}

BOOST_AUTO_TEST_CASE(an_alternation_counts_local_and_global_moves_apart) {
  const auto cycles = run(Alternate(isir(), mala(), {.global_steps = 2, .local_steps = 3}),
                          start(5), {.steps = 4, .block = 2});
  BOOST_TEST(cycles.global.proposed == 2.0 * 4 * 5);
  BOOST_TEST(cycles.counts.proposed == 3.0 * 4 * 5);
  BOOST_TEST(cycles.counts.gradients == (3u + 1) * 4 * 5);  // one refresh per global phase
  const Alternate by_moves(isir(), mala(), {.local_steps = 4, .step = Step::move});
  const auto moves = run(by_moves, start(5), {.steps = 12, .block = 2});
  BOOST_TEST(moves.global.proposed == 3.0 * 5);
  BOOST_TEST(moves.counts.proposed == 9.0 * 5);
  // The local kernel's step size is what adapts, to its own acceptance.
  const auto adapted =
      run(by_moves, start(200), {.steps = 100, .warmup = 400, .target_accept = 0.8});
  BOOST_TEST(std::abs(adapted.counts.rate() - 0.8) < 0.04);
}

BOOST_AUTO_TEST_CASE(the_moves_of_an_alternation_are_those_of_its_kernels) {
  const auto moves = run(Alternate(isir(), mala(), {.local_steps = 2, .step = Step::move}),
                         start(5), {.steps = 3, .key = {.seed = 2}});
  Chains global(isir(), start(5));
  global.advance(isir(), 0, 1, ad::Key{.seed = 2}.fork(0));
  const auto at = [&](std::size_t step) {
    ad::Tensor x({5, 2});
    for (std::size_t i = 0; i < 5; ++i) {
      std::ranges::copy(moves.draws.flat().subspan((i * 3 + step) * 2, 2), x.row(i).begin());
    }
    return x;
  };
  BOOST_TEST(equal(at(0).flat(), global.positions().flat()));
  Chains local(mala(), at(0));
  local.advance(mala(), 1, 2, {.seed = 2});
  BOOST_TEST(equal(at(2).flat(), local.positions().flat()));
}

BOOST_AUTO_TEST_CASE(chains_can_be_moved_and_watched) {
  Chains chains(mala(), start(7), 3);
  const ad::Tensor x = ad::normal({7, 2}, {.seed = 3});
  chains.set(mala(), x);
  BOOST_TEST(equal(chains.positions().flat(), x.flat()));
  BOOST_TEST(chains.size() == 7u);

  ad::Tensor seen({4, 7, 2});
  chains.advance(mala(), 10, 4, {}, [&](std::size_t first, std::uint32_t step, ad::ConstView now) {
    std::ranges::copy(now.flat(), &seen[((step - 10) * 7 + first) * 2]);
  });
  BOOST_TEST(equal(seen.flat().last(14), chains.positions().flat()));
  Chains same(mala(), x, 3);
  BOOST_TEST(same.counts().gradients == 7u);
  chains.reset_counts();
  BOOST_TEST(chains.counts().proposed == 0.0);
  BOOST_TEST(refusal([&] { chains.set(mala(), start(6)); }) ==
             "Chains: positions (6, 2); need (7, 2)");
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  BOOST_TEST(refusal([] { run(mala(), start(2), {.steps = 0}); }) ==
             "run: steps 0; need at least 1");
  BOOST_TEST(refusal([] { run(mala(), start(2), {.steps = 4, .thin = 5}); }) ==
             "run: thin 5 of 4 steps; need 1 to the number of steps");
  BOOST_TEST(refusal([] {
               run(mala(), ad::Tensor({0, 2}).view(), {});
             }) == "Chains: x0 is (0, 2); need (n, d) with n >= 1");
  BOOST_TEST(refusal([] { run(mala(), start(2), {.target_accept = 0.7}); }) ==
             "run: target_accept without warm-up steps to adapt in");
  BOOST_TEST(refusal([] { run(isir(), start(2), {.warmup = 5, .target_accept = 0.7}); }) ==
             "run: target_accept for a kernel that has no step size to adapt");
  BOOST_TEST(refusal([] {
               run(mala(), start(2), {.steps = 3'000'000'000, .warmup = 2'000'000'000});
             }) == "run: 2000000000 + 3000000000 steps; need fewer than 2^32");
  for (const double bad : {-0.5, 1.0, std::nan("")}) {
    BOOST_TEST(refusal([&] {
                 run(mala(), start(2), {.warmup = 5, .target_accept = bad});
               }).starts_with("run: target_accept "));
  }
  BOOST_TEST(refusal([] { run(mala(), start(2), {.warmup = 5, .target_accept = -0.5}); }) ==
             "run: target_accept -0.5; need a number between 0 and 1, or 0 not to adapt");
  for (const double bad : {-0.25, std::nan("")}) {
    BOOST_TEST(refusal([&] {
                 run(mala(), start(2), {.largest_step = bad});
               }).starts_with("run: largest_step "));
  }
  BOOST_TEST(refusal([] { StepSizeAdapter({.target = 1}); }) ==
             "StepSizeAdapter: target acceptance 1, largest step 0; need a target between 0 and 1 "
             "and a step of at least 0");
  BOOST_TEST(refusal([] { Mala(half_square, 2, {.step_size = 0}); }) ==
             "Mala: step_size 0; need a finite number above 0");
  for (const double bad : {0.0, -1.0, std::nan("")}) {
    BOOST_TEST(refusal([&] { Ula(half_square, 2, {.bound = bad}); }).starts_with("Ula: bound "));
  }
  BOOST_TEST(refusal([] { isir(1); }) ==
             "Isir: particles 1; need at least 2, the current state and a fresh one");
  BOOST_TEST(refusal([] { Alternate(isir(), mala(), {.global_steps = 0, .local_steps = 0}); }) ==
             "Alternate: 0 global and 0 local steps; need at least 1");
}

BOOST_AUTO_TEST_SUITE_END()
