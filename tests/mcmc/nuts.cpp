#include "mcmc/nuts.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/mcmc/runs.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// x^2 / 2 + 2 (y - x^2 / 2)^2 + y / 4: curved and without symmetry in y.
ad::Var banana(ad::Var x) {
  const ad::Var a = ad::slice(x, 1, 0, 1), b = ad::slice(x, 1, 1, 2);
  return ad::reshape(0.5 * square(a) + 2.0 * square(b - 0.5 * square(a)) + 0.25 * b,
                     {x.shape()[0]});
}

ad::Tensor start(std::size_t chains, std::size_t d = 2) {
  return ad::normal({chains, d}, {.seed = 40});
}

ad::Var half_square(ad::Var x) { return 0.5 * sum(square(x), 1); }

/// Neal's funnel: v ~ N(0, 3^2) and nine of N(0, exp(v)).
ad::Var funnel(ad::Var x) {
  const std::size_t n = x.shape()[0];
  const ad::Var v = ad::reshape(ad::slice(x, 1, 0, 1), {n});
  const ad::Var squares = sum(square(ad::slice(x, 1, 1, 10)), 1);
  return square(v) / 18.0 + 0.5 * squares * exp(-v) + 4.5 * v;
}

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

BOOST_AUTO_TEST_SUITE(no_u_turn)

BOOST_AUTO_TEST_CASE(a_turn_is_seen_at_the_ends_and_between_the_halves) {
  const auto turned = [](std::vector<double> a, std::vector<double> b) {
    // Angles of the momenta of points, in degrees.
    std::array<std::array<std::array<Real, 2>, 3>, 2> memory{};
    const auto arc = [](const std::vector<double>& angles, auto& m) {
      const auto put = [](double angle, std::array<Real, 2>& p) {
        p[0] += Real(std::cos(angle / 180 * std::numbers::pi));
        p[1] += Real(std::sin(angle / 180 * std::numbers::pi));
      };
      put(angles.front(), m[0]);
      put(angles.back(), m[1]);
      for (const double angle : angles) put(angle, m[2]);
      return nuts::Arc{m[0].data(), m[1].data(), m[2].data()};
    };
    return nuts::turns(arc(a, memory[0]), arc(b, memory[1]), 2);
  };
  BOOST_TEST(!turned({0}, {60}));
  BOOST_TEST(!turned({0, 40}, {80, 120}));
  BOOST_TEST(turned({0, 70}, {140, 210}));
  // A whole period: each end points along the sum, but a half and its neighbour have turned.
  BOOST_TEST(turned({0, 90, 180}, {270, 360, 380}));
  BOOST_TEST(turned({-20, 0, 90}, {180, 270, 360}));
  BOOST_TEST(turned({0, 0, 0}, {170, 0, 0}));
  BOOST_TEST(turned({0, 0, 190}, {0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(the_neck_of_a_funnel_diverges_and_is_counted) {
  const auto result =
      run(Nuts(funnel, 10, {.step_size = 1}), start(40, 10), {.steps = 100, .block = 16});
  BOOST_TEST(result.counts.divergences > 20u);
  BOOST_TEST(result.counts.divergences < 2000u);
  const std::vector<Warning> all = warnings(result.facts);
  BOOST_TEST(all[0].kind == "divergences");
  BOOST_TEST(all[0].count == result.counts.divergences);
  BOOST_TEST(all[0].of == 4000u);
  const auto calm = run(Nuts(half_square, 10, {.step_size = 0.4}), start(40, 10), {.steps = 100});
  BOOST_TEST(calm.counts.divergences == 0u);
  BOOST_TEST(calm.counts.saturations == 0u);
  BOOST_TEST(warnings(calm.facts).empty());
}

BOOST_AUTO_TEST_CASE(trajectories_that_might_not_grow_are_counted) {
  const auto result = run(Nuts(half_square, 2, {.step_size = 0.01, .max_depth = 4}), start(9),
                          {.steps = 10, .block = 4});
  BOOST_TEST(result.counts.saturations == 90u);
  BOOST_TEST(result.counts.gradients == 90u * 15);
  const std::vector<Warning> all = warnings(result.facts);
  BOOST_TEST(all[0].what ==
             "90 of 90 transitions after warm-up (100 %) reached the maximum tree depth of 4");
  BOOST_TEST(all[0].flag == "--max-depth 6");
}

BOOST_AUTO_TEST_CASE(chains_run_ahead_and_visit_their_own_steps_in_order) {
  const std::size_t n = 24;
  const std::uint32_t steps = 30;
  const Nuts kernel(banana, 2, {.step_size = 0.3});
  Chains<Nuts> ahead(kernel, start(n), 16);
  std::vector<std::uint32_t> seen(n, 5);
  std::vector<std::vector<Transition>> transitions(n);
  std::mutex mutex;
  ad::Tensor draws({n, steps, 2});
  ahead.advance(kernel, 5, steps, {.seed = 42},
                [&](std::size_t chain, std::uint32_t step, ad::ConstView x,
                    std::span<const Transition> told) {
                  const std::scoped_lock lock(mutex);
                  BOOST_TEST(x.rows() == 1u);
                  BOOST_TEST(told.size() == 1u);
                  BOOST_TEST(step == seen[chain]++);
                  transitions[chain].push_back(told[0]);
                  std::ranges::copy(x.flat(), &draws[(chain * steps + step - 5) * 2]);
                });
  Chains<Nuts> lockstep(kernel, start(n), 16);
  double largest = 0;
  std::uint64_t leapfrogs = 0;
  for (std::uint32_t t = 0; t < steps; ++t) {
    lockstep.advance(kernel, 5 + t, 1, {.seed = 42});
    const ad::Tensor x = lockstep.positions();
    for (std::size_t i = 0; i < n; ++i) {
      BOOST_TEST(seen[i] == 5 + steps);
      leapfrogs += transitions[i][t].leapfrogs;
      if (t >= 8) continue;  // rounding grows
      for (std::size_t j = 0; j < 2; ++j) {
        largest = std::max(largest, std::abs(double(x(i, j)) - draws[(i * steps + t) * 2 + j]));
      }
    }
  }
  BOOST_TEST(largest < (sizeof(Real) == 8 ? 1e-9 : 1e-2));
  BOOST_TEST(ahead.counts().gradients == leapfrogs + n);  // one to start from
}

BOOST_AUTO_TEST_CASE(finished_chains_cost_no_gradients) {
  const Nuts kernel(banana, 2, {.step_size = 0.3});
  const auto waste = [&](std::uint32_t steps, std::uint32_t at_once) {
    Nuts::State s = kernel.init(start(64));
    s.counts = {};
    for (std::uint32_t t = 0; t < steps; t += at_once) {
      kernel.advance(s, {{.seed = 43}, t}, at_once, [](std::size_t, std::uint32_t) {});
    }
    BOOST_TEST_MESSAGE(steps << " steps, " << at_once
                             << " at once: " << double(s.rows) / double(s.counts.gradients)
                             << " rows per gradient, " << double(s.rows) / double(s.calls)
                             << " per call");
    return double(s.rows) / double(s.counts.gradients);
  };
  BOOST_TEST(waste(200, 200) < 1.1);
  BOOST_TEST(waste(200, 1) < 1.5);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused) {
  BOOST_TEST(message([] { Nuts(banana, 2, {.step_size = 0}); }) ==
             "Nuts: step_size 0; need a finite number above 0");
  for (const std::size_t depth : {0, 21}) {
    BOOST_TEST(message([&] { Nuts(banana, 2, {.max_depth = depth}); }) ==
               "Nuts: max_depth " + std::to_string(depth) + "; need 1 to 20");
  }
  BOOST_TEST(message([] { Nuts(banana, 2, {.max_energy_error = -1}); }) ==
             "Nuts: max_energy_error -1; need a finite number above 0");
  const Metric metric = Metric::diagonal(std::vector{1.0, 2.0, 3.0});
  BOOST_TEST(message([&] { Nuts(banana, 2, {.metric = metric}); }) ==
             "Nuts: a metric of dimension 3; need 2");
}

BOOST_AUTO_TEST_SUITE_END()
