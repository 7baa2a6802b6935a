#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "autodiff/archive.hpp"
#include "autodiff/random.hpp"
#include "mcmc/metric.hpp"

// What a Markov kernel is: init, step and refresh on the chains of a block, in place.
namespace eqp::mcmc {

/// Counts a kernel keeps per block. `accepted` sums acceptance probabilities (or, for kernels that
/// choose, probabilities to move), so that accepted / proposed is the acceptance rate.
struct Counts {
  double accepted = 0;
  double proposed = 0;
  double weight_ess = 0;        // sums (sum w)^2 / sum w^2 over the proposed sets of particles
  std::uint64_t gradients = 0;  // energy-gradient evaluations, one per chain
  // Proposals (of several particles, each) rejected for an energy that is NaN or infinite; of
  // these, the NaN.
  std::uint64_t not_finite = 0, nan = 0;
  // Of Hamiltonian kernels: transitions whose energy error passed what counts as a divergence, and
  // trajectories that ended because they might not grow any longer.
  std::uint64_t divergences = 0, saturations = 0;

  double rate() const { return proposed > 0 ? accepted / proposed : 0; }
  /// Mean effective number of particles, for kernels that weight several.
  double mean_weight_ess() const { return proposed > 0 ? weight_ess / proposed : 0; }
  Counts& operator+=(const Counts& other) {
    accepted += other.accepted;
    proposed += other.proposed;
    weight_ess += other.weight_ess;
    gradients += other.gradients;
    not_finite += other.not_finite;
    nan += other.nan;
    divergences += other.divergences;
    saturations += other.saturations;
    return *this;
  }
  void archive(ad::Archive& a) {
    a("accepted", accepted);
    a("proposed", proposed);
    a("weight_ess", weight_ess);
    a("gradients", gradients);
    a("not_finite", not_finite);
    a("nan", nan);
    a("divergences", divergences);
    a("saturations", saturations);
  }
};

/// What a Hamiltonian kernel tells of one chain's latest step.
struct Transition {
  double energy = 0;  // U + kinetic energy of the new state, with its momentum: for E-BFMI
  double accept = 0;  // acceptance probability; of a tree, the mean over its new states
  std::uint32_t leapfrogs = 0;
  std::uint8_t depth = 0;  // doublings of a tree; 0 for other kernels
  bool diverging = false;
};

/// A Markov kernel on blocks of chains. States are made by init, live in one thread at a time, and
/// keep cached energies between steps; refresh re-evaluates them after the positions were written
/// or the energy's parameters moved. A kernel that cannot go on throws ad::NonFinite, which names
/// the first bad operation and the chain as a row of the block.
template <class K>
concept Kernel = requires(const K k, ad::ConstView x0, std::size_t first_chain, typename K::State s,
                          const typename K::State fixed, const ad::BlockRng rng,
                          std::size_t chains) {
  // How many of so many chains a task is to have.
  { k.block(chains) } -> std::same_as<std::size_t>;
  // The only allocation. x0 (n, d). Throws std::invalid_argument if a chain starts where the
  // energy is not finite; first_chain is the number of row 0 in that message.
  { k.init(x0, first_chain) } -> std::same_as<typename K::State>;
  { k.step(s, rng) } -> std::same_as<void>;  // in place, allocates nothing
  // Throws ad::NonFinite if a chain is where the energy is not finite.
  { k.refresh(s) } -> std::same_as<void>;
  { s.x() } -> std::same_as<ad::View>;  // positions (n, d); refresh after writing them
  { fixed.x() } -> std::same_as<ad::ConstView>;
  { s.counts } -> std::same_as<Counts&>;
};

/// A kernel whose runs can be stopped and gone on with. The state of its chains is all that later
/// steps depend on, cached energies too, whose bits an evaluation with other rows beside them might
/// not give again.
template <class K>
concept Resumable = Kernel<K> && requires(typename K::State s, ad::Archive& a) {
  { s.archive(a) } -> std::same_as<void>;
};

/// A kernel whose step size can be adapted while the chains run: `counts` of its states count the
/// moves of that step size only.
template <class K>
concept Adaptable = Kernel<K> && requires(K k) {
  { k.step_size() } -> std::same_as<double&>;
};

/// An adaptable kernel with a metric to adapt as well: the inverse mass matrix of a Hamiltonian
/// kernel. It may be replaced between steps; no state needs a refresh.
template <class K>
concept Preconditioned = Adaptable<K> && requires(K k) {
  { k.metric() } -> std::same_as<Metric&>;
};

/// A kernel of leapfrog steps, of which it can try one, from fresh momenta and without moving: the
/// acceptance, summed over the chains. A first step size is found by it.
template <class K>
concept Hamiltonian = Preconditioned<K> &&
    requires(const K k, typename K::State s, const ad::BlockRng rng) {
  { k.try_leapfrog(s, rng) } -> std::same_as<double>;
};

/// A kernel whose states tell of their chains' latest transitions (n).
template <class K>
concept HasTransitions = Kernel<K> && requires(const typename K::State s) {
  { s.transitions() } -> std::same_as<std::span<const Transition>>;
};

/// A kernel whose chains need not wait for each other: advance takes each chain of a block through
/// `steps` steps from rng.step on and calls visit(row, step) whenever one of them has made a step,
/// in the chain's own order. A step of several chains at once is an advance of one step.
template <class K>
concept RunsAhead = Kernel<K> && requires(const K k, typename K::State s, const ad::BlockRng rng,
                                          void (*visit)(std::size_t row, std::uint32_t step)) {
  { k.advance(s, rng, std::uint32_t(), visit) } -> std::same_as<void>;
};

}  // namespace eqp::mcmc
