#pragma once

#include <vector>

#include "mcmc/hamiltonian.hpp"
#include "mcmc/nuts_tree.hpp"

namespace eqp::mcmc {

/// The No-U-Turn sampler (Hoffman & Gelman 2014) as Stan has it: a trajectory is doubled forwards
/// or backwards in time until it turns around (mcmc/nuts_tree.hpp), and the new state is one of its
/// points, chosen with probabilities proportional to exp(-H), later halves being preferred
/// (Betancourt 2017, appendix A.3). Exact for any step size.
///
/// Each chain of a block grows its own tree and goes on to its next step as soon as that one is
/// done. An evaluation takes one row of every chain that is not at the end of the call; rows are
/// gathered, so a finished chain costs nothing but the padding of a call to the next power of two.
/// Their number may change the last bits of a gradient: draws of a run that is cut into calls at
/// other steps agree but for rounding.
class Nuts {
 public:
  static constexpr const char* kName = "Nuts";

  using Options = NutsOptions;
  struct State {
    ad::Workspace at;                   // in: a position  out: U (n), grad U (n, d)
    std::vector<ad::Workspace> fewer;   // the same for 1, 2, 4, ... chains, fewer than n
    ad::Tensor position, gradient;      // x and grad U(x), (n, d)
    std::vector<double> energy;         // U(x) (n)
    ad::Tensor vectors;                 // of the trees (n, nuts::Tree::n_vectors * d)
    std::vector<nuts::Tree> trees;      // (n)
    std::vector<std::size_t> growing;   // the chains that wait for an evaluation
    std::vector<Transition> latest;     // (n)
    std::uint64_t calls = 0, rows = 0;  // evaluations so far, and their rows, with padding
    struct {
      std::size_t transitions = 0, nan = 0;
    } unheard = {};  // what nan_proposals is to be told
    NanProposals nan_proposals = {};
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    std::span<const Transition> transitions() const { return latest; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("gradient", gradient);
      a("energy", std::span(energy));
      a("unheard.transitions", unheard.transitions);
      a("unheard.nan", unheard.nan);
      a("nan_proposals", nan_proposals);
      a("counts", counts);
    }
  };

  /// Throws std::invalid_argument unless the step size and the largest energy error are positive
  /// and finite, max_depth is between 1 and 20, and the metric fits.
  Nuts(const Energy& energy, std::size_t dim, Options options);
  double& step_size() { return options_.step_size; }
  Metric& metric() { return options_.metric; }
  std::size_t max_depth() const { return options_.max_depth; }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }
  State init(ad::ConstView x0, std::size_t first_chain = 0) const;
  void refresh(State& s) const;

  void step(State& s, const ad::BlockRng& rng) const {
    advance(s, rng, 1, [](std::size_t, std::uint32_t) {});
  }

  /// Every chain through `steps` steps; visit(row, step) after each of them.
  template <class Visit>
  void advance(State& s, const ad::BlockRng& rng, std::uint32_t steps, const Visit& visit) const {
    if (steps == 0) return;
    s.growing.clear();
    for (std::size_t i = 0; i < s.trees.size(); ++i) {
      s.trees[i].start(options_, {rng.key, rng.step, rng.first_chain + std::uint32_t(i)});
      s.growing.push_back(i);
    }
    while (!s.growing.empty()) {
      ad::Workspace& at = evaluate_growing(s);
      std::size_t left = 0;
      for (std::size_t k = 0; k < s.growing.size(); ++k) {
        const std::size_t i = s.growing[k];
        const bool grows = s.trees[i].absorb(options_, at.out(0)[k], at.out(1).row(k), s.counts);
        if (!grows) {
          finish(s, i);
          const ad::BlockRng now = s.trees[i].rng();
          visit(i, now.step);
          stop_if_all_nan(s, i);
          if (now.step - rng.step + 1 == steps) continue;
          s.trees[i].start(options_, {now.key, now.step + 1, now.first_chain});
        }
        s.growing[left++] = i;
      }
      s.growing.resize(left);
    }
  }

  /// The acceptance of one leapfrog step, summed over the chains, none of which moves.
  double try_leapfrog(State& s, const ad::BlockRng& rng) const;

 private:
  ad::Workspace& evaluate_growing(State& s) const;
  static void finish(State& s, std::size_t i);
  static void stop_if_all_nan(State& s, std::size_t i);

  std::size_t dim_;
  Options options_;
  ad::Batched value_and_grad_;
};
static_assert(Hamiltonian<Nuts> && HasTransitions<Nuts> && RunsAhead<Nuts>);

}  // namespace eqp::mcmc
