#pragma once

#include <vector>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Random-walk Metropolis (Metropolis et al. 1953): y = x + h xi, accepted with probability
/// min(1, exp(U(x) - U(y))). Needs no gradient. Exact for any step size h.
class RandomWalk {
 public:
  struct Options {
    double step_size = 0.5;  // h, in units of x
  };
  struct State {
    ad::Workspace at;                      // in: a position  out: U (n)
    ad::Tensor position, proposal, noise;  // x, y and xi, all (n, d)
    std::vector<double> energy;            // U(x) (n)
    NanProposals nan_proposals = {};
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("energy", std::span(energy));
      a("nan_proposals", nan_proposals);
      a("counts", counts);
    }
  };

  /// Throws std::invalid_argument unless the step size is positive.
  RandomWalk(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        step_size_(checked_step_size("RandomWalk", options.step_size)),
        value_(mcmc::value(energy, dim)) {}
  double& step_size() { return step_size_; }

  std::size_t block(std::size_t chains) const { return value_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("RandomWalk", value_, dim_, x0),
            .position = ad::Tensor(x0),
            .proposal = ad::Tensor(x0.shape),
            .noise = ad::Tensor(x0.shape),
            .energy = std::vector<double>(x0.rows())};
    cache_energy(s);
    check_start("RandomWalk", s.at, {"energy"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_energy(s);
    check_refreshed("RandomWalk", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.noise);
    for (std::size_t k = 0; k < s.noise.size(); ++k) {
      s.proposal[k] = s.position[k] + Real(step_size_) * s.noise[k];
    }
    evaluate(s.at, s.proposal);
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      const double proposed = s.at.out(0)[i];
      if (!metropolis(s.energy[i], proposed, 0, rng, i, s.counts)) continue;
      s.energy[i] = proposed;
      std::ranges::copy(s.proposal.row(i), s.position.row(i).begin());
    }
    s.nan_proposals.check("RandomWalk", s.at, s.energy.size(), s.counts.nan - nan, kStepSizeAdvice);
  }

 private:
  static void cache_energy(State& s) {
    evaluate(s.at, s.position);
    std::ranges::copy(s.at.out(0).flat(), s.energy.begin());
  }

  std::size_t dim_;
  double step_size_;
  ad::Batched value_;
};
static_assert(Adaptable<RandomWalk>);

}  // namespace eqp::mcmc
