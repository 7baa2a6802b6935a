#pragma once

#include "mcmc/annealed.hpp"
#include "mcmc/log_z.hpp"

namespace eqp::mcmc {

struct AisOptions {
  std::vector<double> temperatures = even_temperatures(100);  // b_0 = 0 < ... < b_K = 1
  std::uint32_t moves = 1;                                    // kernel steps at each of b_1 ... b_K
  std::size_t particles = 1024;                               // of the forward direction
  std::vector<double> step_sizes;  // (K), at b_1 ... b_K; empty: the kernel's own
  double target_accept = 0;        // adapt step sizes to it, for a pilot run; 0: leave them
  ad::Key key;
  /// Keeps the state between temperatures, and a run that begins goes on from what it kept, with
  /// the same bits as if it had never been stopped; null: none. The kernel must be Resumable.
  ad::Keeper* keeper = nullptr;
};

struct AisResult {
  ad::Tensor x;                    // (n, d), where the particles ended
  std::vector<double> log_weight;  // (n)
  LogZ log_z;                      // from the mean weight, or of a reverse run its inverse's
  LogZ bound;                      // E log w: below log Z forward, above it in reverse
  double ess = 0;                  // of the weights w, or 1 / w in reverse
  std::vector<double> acceptance;  // (K), at b_1 ... b_K
  std::vector<double> step_sizes;  // (K), those used or, of a pilot, those for the next run
  /// False if the keeper stopped the run before its last temperature: weights are then not those of
  /// the target, nor is what follows from them.
  bool complete = true;
};

/// Throws std::invalid_argument naming the first option that makes no sense.
void check(const std::string& who, const AisOptions& options, bool adaptable);
/// Throws std::invalid_argument if step sizes are to adapt.
void check_frozen(const std::string& who, const AisOptions& options);

/// The state of a run after `done` temperatures, but for what the caller knows.
template <class Make>
void archive(ad::Archive& a, AisResult& run, std::size_t& done, AnnealedChains<Make>& chains) {
  a("done", done);
  a("chains", chains);
  a("log_weight", run.log_weight);
  a("acceptance", run.acceptance);
  a("step_sizes", run.step_sizes);
  if (a.reading()) run.x = chains.positions();
}

/// Fills in what follows from the log-weights.
void summarise_forward(AisResult& result);
void summarise_reverse(AisResult& result);

/// Annealed importance sampling (Neal 2001): particles are drawn from the base and moved through
/// b_1 ... b_K by a kernel that leaves exp(-U_b) invariant; before each move
///   log w += U_{b_{k-1}}(x) - U_{b_k}(x).
/// E w = Z for any number of temperatures and any such kernel, so that E log w <= log Z (Jensen).
/// All particles are independent and log_z is that of the path's target, the base being normalised.
///
/// With target_accept the step size at a temperature follows from the acceptance of all particles
/// at the one before: weights are then no longer independent, nor exactly unbiased (O(1 / n) in Z).
/// Do so in a pilot run with a key of its own, and give its step_sizes to the run that counts.
template <AnnealedMaker Make>
AisResult ais(const Path& path, const Make& make, const AisOptions& options) {
  check("ais", options, Adaptable<typename AnnealedChains<Make>::K>);
  AnnealedChains<Make> chains(path, make, options.key.fork(1));
  PathWeights weights(path, options.particles);
  AisResult r{.x = weights.draw(options.key.fork(0))};
  weights.at(r.x);
  r.log_weight = weights.from_base();
  const std::size_t steps = options.temperatures.size() - 1;
  std::size_t done = 0;
  const ad::State state = [&](ad::Archive& a) { archive(a, r, done, chains); };
  for (bool on = true; on && done < steps;) {
    const double b = options.temperatures[done + 1];
    add(r.log_weight, weights.increments(options.temperatures[done], b));
    if (!options.step_sizes.empty()) chains.set_step_size(options.step_sizes[done]);
    r.acceptance.push_back(chains.move(r.x, b, options.moves).rate());
    chains.set_step_size(adapted(chains.step_size(), r.acceptance.back(), options.target_accept));
    r.step_sizes.push_back(chains.step_size());
    ++done;
    on = keep_between(options.keeper, state, done == 1, [&] { return done == steps; });
    weights.at(r.x);
  }
  r.complete = done == steps;
  summarise_forward(r);
  return r;
}

/// The same backwards, from exact draws x (n, d) of the target to the base, with the same log w
/// gained after each move: E 1 / w = 1 / Z, so that E log w >= log Z. Between ais() and this, the
/// bounds bracket log Z (Grosse, Ancha & Roy 2016, "bidirectional Monte Carlo"). Draws that are
/// not of the target, such as a chain's that missed a mode, void the bound. Step sizes must be a
/// pilot's. Throws std::invalid_argument for target_accept, and unless x has rows.
template <AnnealedMaker Make>
AisResult reverse_ais(const Path& path, const Make& make, ad::ConstView x,
                      const AisOptions& options) {
  check("reverse_ais", options, Adaptable<typename AnnealedChains<Make>::K>);
  check_frozen("reverse_ais", options);
  AnnealedChains<Make> chains(path, make, options.key.fork(2));
  PathWeights weights(path, x.rows());
  AisResult r{.x = ad::Tensor(x), .log_weight = std::vector<double>(x.rows())};
  const std::size_t steps = options.temperatures.size() - 1;
  r.acceptance.resize(steps);
  r.step_sizes.resize(steps);
  std::size_t done = 0;
  const ad::State state = [&](ad::Archive& a) { archive(a, r, done, chains); };
  for (bool on = true; on && done < steps;) {
    const std::size_t k = steps - done;
    const double b = options.temperatures[k];
    if (!options.step_sizes.empty()) chains.set_step_size(options.step_sizes[k - 1]);
    r.step_sizes[k - 1] = chains.step_size();
    r.acceptance[k - 1] = chains.move(r.x, b, options.moves).rate();
    weights.at(r.x);
    add(r.log_weight, weights.increments(options.temperatures[k - 1], b));
    ++done;
    on = keep_between(options.keeper, state, done == 1, [&] { return done == steps; });
  }
  r.complete = done == steps;
  weights.at(r.x);  // which a run that had ended has only just been given
  add(r.log_weight, weights.from_base());
  summarise_reverse(r);
  return r;
}

}  // namespace eqp::mcmc
