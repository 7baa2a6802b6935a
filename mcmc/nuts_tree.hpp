#pragma once

#include "mcmc/hamiltonian.hpp"

namespace eqp::mcmc {

struct NutsOptions {
  double step_size = 0.1;      // h, in units of x over those of the metric's scales
  std::size_t max_depth = 10;  // at most 2^max_depth - 1 leapfrog steps
  double max_energy_error = kDivergence;
  Metric metric = {};
};

}  // namespace eqp::mcmc

// The trajectory of one chain of the No-U-Turn sampler, grown point by point.
namespace eqp::mcmc::nuts {

/// A piece of trajectory: the momenta of its first and last points, in the order in which they were
/// made, and the sum of the momenta of all of them. (d) each
struct Arc {
  const Real *first, *last, *sum;
};

/// Whether `a` and `b`, which follows it, turn around together: whether a momentum at an end of the
/// joined piece does not point along the sum of its momenta (Betancourt 2017, appendix A.4.2), or
/// one of the same for either piece and the neighbouring point of the other, without which a
/// trajectory of about a whole period goes unnoticed (Stan 2.21). In the units of mcmc/metric.hpp.
bool turns(const Arc& a, const Arc& b, std::size_t d);

/// A doubling at depth k adds 2^k points at one end. Pieces of it join as in a binary counter: the
/// n-th point (from 0) is a piece of one point, and a finished piece of 2^j points joins the one of
/// as many points before it if bit j of n is set, or else waits for its sibling in slot j. So every
/// balanced subtree is looked at as in the recursive algorithm, in memory for max_depth pieces.
class Tree {
 public:
  /// Numbers per coordinate that a tree keeps.
  static std::size_t n_vectors(std::size_t max_depth) { return kPending + 3 * (max_depth - 1); }

  /// A tree of a chain, whose sample is the chain's x and grad U (d). memory: n_vectors * d
  Tree(std::span<Real> position, std::span<Real> gradient, double& energy, Real* memory)
      : d_(position.size()), x_(position), gradient_(gradient), energy_(&energy), memory_(memory) {}

  /// A tree of the point where the chain is, with a fresh momentum. rng: with this chain as row 0
  void start(const NutsOptions& options, const ad::BlockRng& rng);
  /// Goes to the next point, up to the gradient there, and writes it to x (d).
  void leap(const NutsOptions& options, std::span<Real> x);
  /// Takes in that point's U and grad U; whether there is another one to go to. If not, the chain
  /// is at its new state.
  bool absorb(const NutsOptions& options, Real energy, std::span<const Real> gradient,
              Counts& counts);

  /// What the finished tree was.
  const Transition& transition() const { return transition_; }
  /// Whether it ended at max_depth without a U-turn.
  bool saturated() const { return saturated_; }
  /// Whether it ended at a first point whose energy is NaN, and that point.
  bool nan() const { return nan_; }
  std::span<const Real> end() const { return {vector(kPosition + side_), d_}; }
  const ad::BlockRng& rng() const { return rng_; }

 private:
  // Where a vector is in the memory. Of the backward and the forward end of the trajectory: x, q
  // and L^T grad U.
  // clang-format off
  enum Place : std::size_t {
    kPosition = 0,
    kMomentum = 2,
    kSlope = 4,
    kSum = 6,                   // of all momenta, but for the doubling under way
    kNear,                      // momentum at the end that grows, before it does
    kFirst, kNewSum,            // of the piece that the latest point ends
    kCandidate, kNewGradient,   // x and grad U of the choice of the doubling under way
    kPending                    // first, last and sum per slot
  };
  // clang-format on
  Real* vector(std::size_t place) const { return memory_ + place * d_; }
  ad::View row(std::size_t place) const { return {vector(place), {1, d_}}; }
  void copy(std::size_t from, std::size_t to) const { std::copy_n(vector(from), d_, vector(to)); }
  Arc pending(std::size_t j) const;
  double uniform(std::uint32_t use) const;
  void begin_doubling();
  bool join_pieces();
  bool join_doubling(const NutsOptions& options);
  bool stop(bool diverging);

  std::size_t d_;
  std::span<Real> x_, gradient_;
  double* energy_;
  Real* memory_;
  ad::BlockRng rng_ = {};
  Transition transition_ = {};
  double start_energy_ = 0;                        // H at the start
  double log_weight_ = 0, new_log_weight_ = 0;     // of the points before the doubling and in it
  double candidate_u_ = 0, candidate_energy_ = 0;  // U and H
  std::size_t side_ = 0;                           // that grows: 0 backward, 1 forward
  std::uint32_t point_ = 0;                        // the latest one of the doubling, from 0
  bool saturated_ = false, nan_ = false;
};

}  // namespace eqp::mcmc::nuts
