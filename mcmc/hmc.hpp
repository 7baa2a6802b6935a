#pragma once

#include <stdexcept>
#include <vector>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): fresh momenta p ~ N(0, I), a fixed
/// number of leapfrog steps of size h, accepted with the change of U(x) + |p|^2 / 2. Exact for any
/// step size. The length of a trajectory being fixed, one close to a period of the target's slowest
/// direction hardly moves.
class Hmc {
 public:
  struct Options {
    double step_size = 0.1;  // h, in units of x
    std::size_t leapfrog_steps = 10;
  };
  struct State {
    ad::Workspace at;                                   // in: a position  out: U (n), grad U (n, d)
    ad::Workspace underway;                             // in: a position  out: grad U (n, d)
    ad::Tensor position, gradient, proposal, momentum;  // x, grad U(x), y and p, all (n, d)
    std::vector<double> energy;                         // U(x) (n)
    std::vector<double> kinetic;                        // |p|^2 / 2 at the start (n)
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
  };

  /// Throws std::invalid_argument unless the step size is positive and there are leapfrog steps.
  Hmc(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        step_size_(checked_step_size("Hmc", options.step_size)),
        leapfrog_steps_(options.leapfrog_steps),
        value_and_grad_(mcmc::value_and_grad(energy, dim)),
        grad_(mcmc::grad(energy, dim)) {
    if (leapfrog_steps_ == 0) throw std::invalid_argument("Hmc: leapfrog_steps 0; need at least 1");
  }
  double& step_size() { return step_size_; }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("Hmc", value_and_grad_, dim_, x0),
            .underway = grad_.workspace(x0.rows()),
            .position = ad::Tensor(x0),
            .gradient = ad::Tensor(x0.shape),
            .proposal = ad::Tensor(x0.shape),
            .momentum = ad::Tensor(x0.shape),
            .energy = std::vector<double>(x0.rows()),
            .kinetic = std::vector<double>(x0.rows())};
    cache_energy_and_gradient(s);
    check_start("Hmc", s.at, {"energy", "energy gradient"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_energy_and_gradient(s);
    check_refreshed("Hmc", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    const Real h = Real(step_size_);
    start(s, rng);
    for (std::size_t leap = 1; leap < leapfrog_steps_; ++leap) {
      drift(s, s.underway);
      add_scaled(s.momentum.flat(), -h, s.underway.out(0).flat());
    }
    drift(s, s.at);
    add_scaled(s.momentum.flat(), -h / 2, s.at.out(1).flat());
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      const double proposed = s.at.out(0)[i];
      const double lost = s.kinetic[i] - kinetic(s.momentum.row(i));
      if (!metropolis(s.energy[i], proposed, lost, rng, i, s.counts)) continue;
      s.energy[i] = proposed;
      std::ranges::copy(s.proposal.row(i), s.position.row(i).begin());
      std::ranges::copy(s.at.out(1).row(i), s.gradient.row(i).begin());
    }
    s.counts.gradients += leapfrog_steps_ * s.energy.size();
    if (s.nan_proposals.too_many(s.energy.size(), s.counts.nan - nan)) stop(s, rng);
  }

 private:
  /// Fresh momenta, after the first half kick.
  void start(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.momentum);
    for (std::size_t i = 0; i < s.energy.size(); ++i) s.kinetic[i] = kinetic(s.momentum.row(i));
    std::ranges::copy(s.position.flat(), s.proposal.flat().begin());
    add_scaled(s.momentum.flat(), Real(-step_size_ / 2), s.gradient.flat());
  }
  void drift(State& s, ad::Workspace& at) const {
    add_scaled(s.proposal.flat(), Real(step_size_), s.momentum.flat());
    evaluate(at, s.proposal);
  }
  /// Follows the trajectory again to where the first chain leaves it.
  [[noreturn]] void stop(State& s, const ad::BlockRng& rng) const {
    start(s, rng);
    for (std::size_t leap = 1; leap < leapfrog_steps_; ++leap) {
      drift(s, s.underway);
      if (!ad::all_finite(s.underway.out(0).row(0))) {
        s.nan_proposals.stop("Hmc", s.underway, kStepSizeAdvice);
      }
      add_scaled(s.momentum.flat(), Real(-step_size_), s.underway.out(0).flat());
    }
    drift(s, s.at);
    s.nan_proposals.stop("Hmc", s.at, kStepSizeAdvice);
  }
  static void add_scaled(std::span<Real> to, Real scale, std::span<const Real> from) {
    for (std::size_t k = 0; k < to.size(); ++k) to[k] += scale * from[k];
  }
  static double kinetic(std::span<const Real> p) {
    return ad::sum_of(p.size(), [=](std::size_t j) { return double(p[j]) * double(p[j]); }) / 2;
  }

  std::size_t dim_;
  double step_size_;
  std::size_t leapfrog_steps_;
  ad::Batched value_and_grad_, grad_;
};
static_assert(Adaptable<Hmc>);

}  // namespace eqp::mcmc
