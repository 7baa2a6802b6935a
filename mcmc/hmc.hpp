#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "mcmc/hamiltonian.hpp"

namespace eqp::mcmc {

/// Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): fresh momenta p ~ N(0, M), a number of
/// leapfrog steps of size h, accepted with the change of U(x) + p M^-1 p / 2. Exact for any step
/// size. A trajectory of fixed length that is close to a period of the target's slowest direction
/// hardly moves; `jitter` varies it.
class Hmc {
 public:
  static constexpr const char* kName = "Hmc";

  struct Options {
    double step_size = 0.1;  // h, in units of x over those of the metric's scales
    std::size_t leapfrog_steps = 10;
    /// Leapfrog steps of a transition are uniform on the whole numbers within this fraction of
    /// leapfrog_steps, and at least 1. They are drawn for a step of all chains together, whatever
    /// their blocks: independent of the positions, so the law stays exact, and no chain waits.
    double jitter = 0;
    Metric metric = {};
  };
  struct State {
    ad::Workspace at;                                   // in: a position  out: U (n), grad U (n, d)
    ad::Workspace underway;                             // in: a position  out: grad U (n, d)
    ad::Tensor position, gradient, proposal, momentum;  // x, grad U(x), y and q, all (n, d)
    std::vector<double> energy;                         // U(x) (n)
    std::vector<double> kinetic;                        // |q|^2 / 2 at the start (n)
    std::vector<Transition> latest;                     // (n)
    NanProposals nan_proposals = {};
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("gradient", gradient);
      a("energy", std::span(energy));
      a("nan_proposals", nan_proposals);
      a("counts", counts);
    }
    std::span<const Transition> transitions() const { return latest; }
  };

  /// Throws std::invalid_argument unless the step size is positive, there are leapfrog steps, the
  /// jitter is in [0, 1] and the metric fits.
  Hmc(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        options_(std::move(options)),
        value_and_grad_(mcmc::value_and_grad(energy, dim)),
        grad_(mcmc::grad(energy, dim)) {
    checked_step_size(kName, options_.step_size);
    check_metric(kName, options_.metric, dim);
    if (options_.leapfrog_steps == 0) {
      throw std::invalid_argument("Hmc: leapfrog_steps 0; need at least 1");
    }
    if (!(options_.jitter >= 0 && options_.jitter <= 1)) {
      throw std::invalid_argument("Hmc: jitter " + std::to_string(options_.jitter) +
                                  "; need a number between 0 and 1");
    }
  }
  double& step_size() { return options_.step_size; }
  Metric& metric() { return options_.metric; }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for(kName, value_and_grad_, dim_, x0),
            .underway = grad_.workspace(x0.rows()),
            .position = ad::Tensor(x0),
            .gradient = ad::Tensor(x0.shape),
            .proposal = ad::Tensor(x0.shape),
            .momentum = ad::Tensor(x0.shape),
            .energy = std::vector<double>(x0.rows()),
            .kinetic = std::vector<double>(x0.rows()),
            .latest = std::vector<Transition>(x0.rows())};
    cache_energy_and_gradient(s);
    check_start(kName, s.at, {"energy", "energy gradient"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_energy_and_gradient(s);
    check_refreshed(kName, s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    const std::size_t leaps = leapfrogs(rng);
    start(s, rng);
    for (std::size_t leap = 1; leap < leaps; ++leap) {
      drift(s, s.underway);
      kick(s, 1, s.underway.out(0));
    }
    drift(s, s.at);
    kick(s, 0.5, s.at.out(1));
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t i = 0; i < s.energy.size(); ++i) decide(s, i, leaps, rng);
    s.counts.gradients += leaps * s.energy.size();
    if (s.nan_proposals.too_many(s.energy.size(), s.counts.nan - nan)) stop(s, rng);
  }

  /// The acceptance of one leapfrog step, summed over the chains, none of which moves.
  double try_leapfrog(State& s, const ad::BlockRng& rng) const {
    start(s, rng);
    drift(s, s.at);
    kick(s, 0.5, s.at.out(1));
    s.counts.gradients += s.energy.size();
    double sum = 0;
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      sum +=
          acceptance(s.energy[i], s.at.out(0)[i], s.kinetic[i] - kinetic_energy(s.momentum.row(i)));
    }
    return sum;
  }

 private:
  /// Of this step, for the chains of all blocks.
  std::size_t leapfrogs(const ad::BlockRng& rng) const {
    const std::size_t length = options_.leapfrog_steps;
    const std::size_t width = std::size_t(options_.jitter * double(length));
    if (width == 0) return length;
    const std::size_t shortest = std::max<std::size_t>(1, length - width);
    const double u = ad::BlockRng{rng.key, rng.step}.fork(0).uniform(0);
    return shortest + std::size_t(u * double(length + width - shortest + 1));
  }
  /// Fresh momenta, after the first half kick.
  void start(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.momentum);
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      s.kinetic[i] = kinetic_energy(s.momentum.row(i));
    }
    std::ranges::copy(s.position.flat(), s.proposal.flat().begin());
    kick(s, 0.5, s.gradient);
  }
  void drift(State& s, ad::Workspace& at) const {
    options_.metric.drift(s.proposal, Real(options_.step_size), s.momentum);
    evaluate(at, s.proposal);
  }
  void kick(State& s, double part, ad::ConstView gradient) const {
    options_.metric.kick(s.momentum, Real(-options_.step_size * part), gradient);
  }
  void decide(State& s, std::size_t i, std::size_t leaps, const ad::BlockRng& rng) const {
    const double proposed = s.at.out(0)[i], after = kinetic_energy(s.momentum.row(i));
    const double before = s.energy[i] + s.kinetic[i], lost = s.kinetic[i] - after;
    s.latest[i] = {.energy = before,
                   .accept = acceptance(s.energy[i], proposed, lost),
                   .leapfrogs = std::uint32_t(leaps),
                   .diverging = !(proposed + after - before <= kDivergence)};
    s.counts.divergences += s.latest[i].diverging;
    if (!metropolis(s.energy[i], proposed, lost, rng, i, s.counts)) return;
    s.latest[i].energy = proposed + after;
    s.energy[i] = proposed;
    std::ranges::copy(s.proposal.row(i), s.position.row(i).begin());
    std::ranges::copy(s.at.out(1).row(i), s.gradient.row(i).begin());
  }
  /// Follows the trajectory again to where the first chain leaves it.
  [[noreturn]] void stop(State& s, const ad::BlockRng& rng) const {
    start(s, rng);
    const std::size_t leaps = leapfrogs(rng);
    for (std::size_t leap = 1; leap < leaps; ++leap) {
      drift(s, s.underway);
      if (!ad::all_finite(s.underway.out(0).row(0))) {
        s.nan_proposals.stop(kName, s.underway, kStepSizeAdvice);
      }
      kick(s, 1, s.underway.out(0));
    }
    drift(s, s.at);
    s.nan_proposals.stop(kName, s.at, kStepSizeAdvice);
  }

  std::size_t dim_;
  Options options_;
  ad::Batched value_and_grad_, grad_;
};
static_assert(Hamiltonian<Hmc> && HasTransitions<Hmc>);

}  // namespace eqp::mcmc
