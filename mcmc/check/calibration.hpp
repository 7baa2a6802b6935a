#pragma once

#include <stdexcept>

#include "mcmc/check/joint.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

struct CalibrationOptions {
  std::size_t replicates = 512;  // draws of (theta, y), one rank each
  std::size_t chains = 9;        // per replicate, started at draws of the prior
  std::uint32_t draws = 7;       // kept per chain; ranks are 0 ... chains * draws
  std::uint32_t thin = 0;        // steps per kept draw; 0: twice the measured autocorrelation time
  std::uint32_t warmup = 0;      // steps before the first; 0: ten times thin, at least 50
  std::size_t bins = 16;         // of the histogram of ranks
  std::size_t tasks = 8;         // each with its own kernel; no result depends on them
  double false_alarm = 1e-3;     // of the whole check
  ad::Key key;
};

/// Throws std::invalid_argument naming the first option that makes no sense.
void require_sensible(const CalibrationOptions& options);

/// Ranks of prior draws within L posterior draws: 0 ... L.
struct Ranks {
  std::size_t draws = 0;                        // L
  std::vector<std::vector<std::size_t>> ranks;  // (dim + 1, replicates): theta, then the energy
};

/// Ranks row L of points (L + 1, dim) among the others, coordinate by coordinate and by the energy
/// that `at` computes, as those of this replicate. Ties, which f32 may have, fall at random.
void rank(Ranks& ranks, std::size_t replicate, ad::ConstView points, ad::Workspace& at,
          ad::Key key);

/// What a histogram of ranks that is not flat says of the draws, from z-scores of its slope (u -
/// 1/2 of u = rank / L) and its curvature ((u - 1/2)^2).
std::string reading(double slope, double curvature);

Check judge_calibration(const Model& model, const Ranks& ranks, const CalibrationOptions& options);

/// How chains run in a replicate, in steps.
struct ReplicateSteps {
  std::uint32_t warmup, draws, thin;
};

/// Twice the largest autocorrelation time of a coordinate of draws (chains, draws, d), in draws;
/// at most as many as a chain has. Throws std::runtime_error if a coordinate stands still.
std::uint32_t thinning(ad::ConstView draws);

/// Chains of one replicate from draws of the prior: (chains, draws, dim).
template <Kernel K>
ad::Tensor posterior_draws(const K& kernel, const Model& model, std::size_t chains,
                           const ReplicateSteps& schedule, std::size_t replicate, ad::Key key) {
  const auto first = std::uint32_t(replicate * chains);
  ad::Tensor x({chains, model.dim}), kept({chains, schedule.draws, model.dim});
  model.prior(x, key.fork(0), first);
  typename K::State state = kernel.init(x, first);
  for (std::uint32_t t = 0; t < schedule.warmup + schedule.draws * schedule.thin; ++t) {
    kernel.step(state, {key.fork(1), t, first});
    if (t < schedule.warmup) continue;
    const std::uint32_t done = t - schedule.warmup + 1;
    if (done % schedule.thin != 0) continue;
    const std::size_t at = done / schedule.thin - 1;
    for (std::size_t c = 0; c < chains; ++c) {
      std::ranges::copy(state.x().row(c), &kept[(c * schedule.draws + at) * model.dim]);
    }
  }
  return kept;
}

/// The schedule of the options, with what they leave open measured on some replicates of their own.
template <KernelMaker Make>
ReplicateSteps schedule_for(const Make& make, const Model& model,
                            const CalibrationOptions& options) {
  constexpr std::uint32_t kPilots = 4, kSteps = 400;
  std::uint32_t thin = options.thin;
  if (thin == 0) {
    ConditionedModel posterior(model);
    const auto kernel = make(posterior.energy(), model.proposal);
    const ad::Key key = options.key.fork(0);
    const ad::Tensor truth = joint_draws(model, kPilots, key.fork(0));
    for (std::uint32_t r = 0; r < kPilots; ++r) {
      posterior.set(truth.row(r).subspan(model.dim));
      thin = std::max(thin, thinning(posterior_draws(kernel, model, options.chains,
                                                     {kSteps / 2, kSteps, 1}, r, key.fork(1))));
    }
  }
  return {options.warmup ? options.warmup : std::max(50u, 10 * thin), options.draws, thin};
}

/// Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari & Gelman 2018): theta ~ prior,
/// y ~ p(y | theta), then theta's rank among L draws of p(theta | y) is uniform if the chains
/// converged and the kernel is right. Ranks also by the energy, which sees data that coordinates
/// do not (Modrak et al. 2023). Unlike checks that start in the law, it notices chains that do
/// not get there. Draws are thinned, for autocorrelation alone would make ranks U-shaped.
template <KernelMaker Make>
Check check_calibration(const Make& make, const Model& model,
                        const CalibrationOptions& options = {}) {
  require_complete(model);
  require_sensible(options);
  const std::size_t d = model.dim, draws = options.chains * options.draws;
  Ranks ranks{draws, std::vector(d + 1, std::vector<std::size_t>(options.replicates))};
  const ad::Tensor truth = joint_draws(model, options.replicates, options.key.fork(1));
  const ad::Blocks blocks{options.replicates,
                          (options.replicates + options.tasks - 1) / options.tasks};
  try {
    const ReplicateSteps schedule = schedule_for(make, model, options);
    ad::parallel_for(blocks.count(), [&](std::size_t b) {
      ConditionedModel posterior(model);
      const auto kernel = make(posterior.energy(), model.proposal);
      ad::Workspace energy = value(posterior.energy(), d).workspace(draws + 1);
      ad::Tensor points({draws + 1, d});
      for (std::size_t i = 0; i < blocks.size(b); ++i) {
        const std::size_t r = blocks.first(b) + i;
        posterior.set(truth.row(r).subspan(d));
        std::ranges::copy(
            posterior_draws(kernel, model, options.chains, schedule, r, options.key.fork(2)).flat(),
            points.flat().begin());
        std::ranges::copy(truth.row(r).first(d), points.row(draws).begin());
        rank(ranks, r, points, energy, options.key.fork(3));
      }
    });
  } catch (const std::runtime_error& e) {  // not finite, or standing still
    return stopped("calibration", e.what());
  }
  return judge_calibration(model, ranks, options);
}

}  // namespace eqp::mcmc
