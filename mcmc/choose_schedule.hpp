#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "mcmc/alternate.hpp"
#include "mcmc/run.hpp"

namespace eqp::mcmc {

/// Moves of the two kernels in a cycle of an alternation.
struct Cycle {
  std::uint32_t global_steps, local_steps;
};

struct ScheduleOptions {
  /// What is tried, in this order.
  std::vector<Cycle> cycles{{0, 1}, {1, 0}, {1, 1}, {1, 2}, {1, 5}, {1, 10}, {1, 20}, {1, 50}};
  std::uint32_t moves = 1000;   // of every chain, in every trial
  std::uint32_t warmup = 1000;  // moves before the first trial, in cycles of 1 and 5
  /// What a move of a chain costs, in evaluations of the energy's gradient, or any unit. Both 0:
  /// the seconds a trial takes are measured, and then the choice is not a function of the key
  /// alone.
  double global_cost = 0, local_cost = 0;
  ad::Key key;
};

/// What a pilot run of one cycle was worth.
struct ScheduleTrial {
  Cycle cycle;
  double global_rate = 0, local_rate = 0;  // acceptance
  double cost = 0;                         // of a cycle of one chain, its refreshes included
  double ess = 0;  // of all chains, the least over coordinates and their squares; 0 if chains stand
  double efficiency = 0;  // ess per cost
};

struct Schedule {
  Cycle cycle;
  std::vector<ScheduleTrial> trials;
  std::string reason;  // in plain words
};

/// Throws std::invalid_argument naming the first option that makes no sense.
void check(const ScheduleOptions& options);

/// The trial of the highest efficiency, the first one among equals, and why.
Schedule best_of(std::vector<ScheduleTrial> trials, bool seconds);

/// The least effective sample size over coordinates and their squares; 0 where there is none.
double least_ess(ad::ConstView draws);

/// Tries cycles of a global and a local kernel, as they are, from x0 (n, d), with n >= 2 chains,
/// and chooses the one with the most effective draws for its cost:
///   const auto [global, local] = choose_schedule(isir, mala, x0, options).cycle;
///   Alternate(isir, mala, {.global_steps = global, .local_steps = local});
/// A pilot cannot see modes that none of its chains visits.
template <Kernel Global, Kernel Local>
Schedule choose_schedule(const Global& global, const Local& local, ad::ConstView x0,
                         const ScheduleOptions& options) {
  check(options);
  const bool seconds = options.global_cost == 0 && options.local_cost == 0;
  const auto alternation = [&](Cycle c) {
    return Alternate(global, local, {.global_steps = c.global_steps, .local_steps = c.local_steps});
  };
  const ad::Tensor start = run(alternation({1, 5}), x0,
                               {.steps = options.warmup / 6 + 1,
                                .thin = options.warmup / 6 + 1,
                                .key = options.key.fork(0)})
                               .last;
  std::vector<ScheduleTrial> trials;
  for (const Cycle& c : options.cycles) {
    const std::uint32_t cycles =
        std::max<std::uint32_t>(8, options.moves / (c.global_steps + c.local_steps));
    const auto begin = std::chrono::steady_clock::now();
    const RunResult result =
        run(alternation(c), start,
            {.steps = cycles, .key = options.key.fork(1 + std::uint32_t(trials.size()))});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    // Local caches are refreshed once after every global phase.
    const double refresh = c.global_steps > 0 && c.local_steps > 0 ? options.local_cost : 0;
    const double cost = seconds ? took.count() / (double(cycles) * double(x0.rows()))
                                : c.global_steps * options.global_cost +
                                      c.local_steps * options.local_cost + refresh;
    const double ess = least_ess(result.draws);
    trials.push_back({.cycle = c,
                      .global_rate = result.global.rate(),
                      .local_rate = result.counts.rate(),
                      .cost = cost,
                      .ess = ess,
                      .efficiency = ess / (cost * double(cycles) * double(x0.rows()))});
  }
  return best_of(std::move(trials), seconds);
}

}  // namespace eqp::mcmc
