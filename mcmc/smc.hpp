#pragma once

#include "mcmc/annealed.hpp"
#include "mcmc/diagnostics.hpp"
#include "mcmc/log_z.hpp"
#include "mcmc/resample.hpp"

namespace eqp::mcmc {

struct SmcOptions {
  std::size_t particles = 1024;
  double conditional_ess = 0.9;  // per temperature, as a part of the particles
  double resample_below = 0.5;  // of the weights' effective sample size, as a part of the particles
  Resampling resampling = Resampling::systematic;
  std::uint32_t moves = 5;           // kernel steps at each temperature
  double target_accept = 0;          // adapt the step size to it; 0: leave it alone
  std::vector<double> temperatures;  // 0 = b_0 < ... < b_K = 1; empty: by conditional_ess
  std::vector<double> step_sizes;    // (K), at given temperatures; empty: the kernel's own
  std::size_t most_temperatures = 10000;
  ad::Key key;
  ad::Keeper* keeper = nullptr;  // see AisOptions
};

struct SmcResult {
  /// One per temperature b_1 ... b_K.
  struct Level {
    double b = 0;
    double ess = 0;  // of the weights before resampling
    bool resampled = false;
    double acceptance = 0, step_size = 0;
  };

  ad::Tensor x;                       // (n, d)
  std::vector<double> log_weight;     // (n), gained since the particles were last resampled
  std::vector<std::size_t> ancestor;  // (n), the draw of the base that each descends from
  std::size_t resamplings = 0;
  LogZ log_z;      // of the target; its error from the particles' genealogy
  double ess = 0;  // of the weights
  std::vector<Level> levels;
  bool complete = true;  // see AisResult

  /// 0, b_1, ..., b_K and their step sizes: for annealed importance sampling.
  std::vector<double> temperatures() const;
  std::vector<double> step_sizes() const;
  /// All but x, until the last temperature.
  void archive(ad::Archive& a);
};

/// Throws std::invalid_argument naming the first option that makes no sense.
void check(const SmcOptions& options, bool adaptable);
/// 0, ..., n - 1
std::vector<std::size_t> first_ancestors(const SmcOptions& options);
/// Throws std::runtime_error if there are more than `most` then, without having come to b = 1.
void add_level(SmcResult& particles, const SmcResult::Level& level, std::size_t most);

/// n (sum W_i w_i)^2 / sum W_i w_i^2 of weights W, scaled to sum 1, and of the weights w that they
/// are to be multiplied by: how many of n particles the next density leaves in use (Zhou, Johansen
/// & Aston 2016). Throws std::invalid_argument as check_log_weights does.
double conditional_ess(std::span<const double> log_weights, std::span<const double> log_gained);

/// The b in (from, 1] at which the conditional ESS falls to `part` of the particles, or 1 if it
/// does not. Throws std::runtime_error if even the smallest step is too long.
double next_temperature(PathWeights& weights, std::span<const double> log_weights, double from,
                        double part);

/// The relative variance of an estimate of Z, from who has survived: with W(e) the sum of the
/// normalised weights of the descendants of draw e of the base, after r resamplings of n particles,
///   1 - (n / (n - 1))^(r + 1) (1 - sum_e W(e)^2)
/// if they were multinomial (Lee & Whiteley 2018, their V(1)): times Z^2 it is unbiased for the
/// variance of Z, but scatters below 0 when particles are few. For the other schemes, which vary
/// less and would often make this negative, n / (n - 1) sum_e (W(e) - 1 / n)^2: that takes the
/// rounding of numbers of children for noise in Z, and is too large, by a factor near 1.7
/// (systematic), 2.1 (stratified) and 3 (residual) for mild weights that are resampled each time.
/// Both tend to 1 when few ancestors are left: use more particles.
double genealogical_variance(std::span<const double> log_weights,
                             std::span<const std::size_t> ancestors, std::size_t resamplings,
                             Resampling how);

/// Resamples the particles, whose weights go into log_z.
void resample(SmcResult& particles, Resampling how, ad::Key key);
/// What follows from the last weights.
void finish(SmcResult& particles, Resampling how);

/// Sequential Monte Carlo sampler (Del Moral, Doucet & Jasra 2006) along a path: weights
/// as in annealed importance sampling, resampled when they degenerate, with temperatures that keep
/// the conditional ESS constant and a step size that follows from the acceptance at the last
/// temperature. E Z is exact for given temperatures and step sizes; adapting them leaves a bias of
/// order 1 / n, which a second run does not have that is given the first one's temperatures() and
/// step_sizes(). For an error bar without genealogies, give log_mean_weight() the log Z of several
/// runs.
template <AnnealedMaker Make>
SmcResult smc(const Path& path, const Make& make, const SmcOptions& options) {
  check(options, Adaptable<typename AnnealedChains<Make>::K>);
  AnnealedChains<Make> chains(path, make, options.key.fork(1));
  PathWeights weights(path, options.particles);
  SmcResult r{.x = weights.draw(options.key.fork(0)), .ancestor = first_ancestors(options)};
  weights.at(r.x);
  r.log_weight = weights.from_base();
  double b = 0;
  const ad::State state = [&](ad::Archive& a) {
    a("b", b);
    a("particles", r);
    a("chains", chains);
    if (a.reading()) r.x = chains.positions();
  };
  for (bool on = true; on && b < 1;) {
    const double from = b;
    b = options.temperatures.empty()
            ? next_temperature(weights, r.log_weight, from, options.conditional_ess)
            : options.temperatures[r.levels.size() + 1];
    add(r.log_weight, weights.increments(from, b));
    SmcResult::Level level{.b = b, .ess = importance_ess(r.log_weight)};
    level.resampled = level.ess < options.resample_below * double(options.particles);
    if (level.resampled) resample(r, options.resampling, options.key.fork(2));
    if (!options.step_sizes.empty()) chains.set_step_size(options.step_sizes[r.levels.size()]);
    level.step_size = chains.step_size();
    level.acceptance = chains.move(r.x, b, options.moves).rate();
    chains.set_step_size(adapted(level.step_size, level.acceptance, options.target_accept));
    add_level(r, level, options.most_temperatures);
    on = keep_between(options.keeper, state, r.levels.size() == 1, [&] { return b == 1; });
    weights.at(r.x);
  }
  r.complete = b == 1;
  finish(r, options.resampling);
  return r;
}

}  // namespace eqp::mcmc
