#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "autodiff/non_finite.hpp"
#include "autodiff/parallel.hpp"
#include "mcmc/kernel.hpp"

namespace eqp::mcmc {

/// The error of a kernel in a block of chains, telling which of them, and when.
inline ad::NonFinite located(const ad::NonFinite& e, std::size_t first_chain, std::size_t chains,
                             const std::string& when = "") {
  const std::string who = e.row || chains == 1
                              ? "chain " + std::to_string(first_chain + e.row.value_or(0))
                              : "chains " + std::to_string(first_chain) + " to " +
                                    std::to_string(first_chain + chains - 1);
  return {who + when + ": " + e.what(), e.origin, e.row};
}

/// The chains of a run, as blocks that are advanced in parallel; results do not depend on threads.
template <Kernel K>
class Chains {
 public:
  using State = typename K::State;

  /// Starts chain i at row i of x0 (n, d), `block` chains to a task, or as many as the kernel
  /// likes. Throws std::invalid_argument unless n >= 1 and the energy is finite at every start.
  Chains(const K& kernel, ad::ConstView x0, std::size_t block = 0) : shape_(x0.shape) {
    if (x0.shape.rank() != 2 || x0.rows() == 0) {
      throw std::invalid_argument("Chains: x0 is " + ad::str(x0.shape) +
                                  "; need (n, d) with n >= 1");
    }
    blocks_ = {x0.rows(), block ? block : kernel.block(x0.rows())};
    states_.resize(blocks_.count());
    ad::parallel_for(states_.size(), [&](std::size_t b) {
      states_[b] = kernel.init(x0.slice(blocks_.first(b), blocks_.size(b)), blocks_.first(b));
    });
  }

  /// Advances every chain from step first_step by `steps`; a task is all steps of a block. After
  /// each step visit(first_chain, step, x) sees the positions x (rows, d) of a block, whose row 0
  /// is chain first_chain; it is called for several blocks at the same time. Throws NonFinite if a
  /// kernel cannot go on, naming the chain, the step and the first bad operation.
  template <class Visit>
  void advance(const K& kernel, std::uint32_t first_step, std::uint32_t steps, ad::Key key,
               const Visit& visit) {
    ad::parallel_for(states_.size(), [&](std::size_t b) {
      State& s = states_[b];
      const std::size_t first = blocks_.first(b);
      std::uint32_t t = first_step;
      try {
        for (; t < first_step + steps; ++t) {
          kernel.step(s, {key, t, std::uint32_t(first)});
          visit(first, t, s.x());
        }
      } catch (const ad::NonFinite& e) {
        throw located(e, first, blocks_.size(b), " at step " + std::to_string(t));
      }
    });
  }
  void advance(const K& kernel, std::uint32_t first_step, std::uint32_t steps, ad::Key key) {
    advance(kernel, first_step, steps, key, [](std::size_t, std::uint32_t, ad::View) {});
  }

  /// Re-evaluates cached energies, after the energy's or the proposal's parameters moved. Throws
  /// NonFinite naming the chain where one is not finite.
  void refresh(const K& kernel) {
    ad::parallel_for(states_.size(), [&](std::size_t b) { refresh(kernel, b); });
  }

  /// Moves every chain: x (n, d). Throws std::invalid_argument for another shape, NonFinite as
  /// refresh does.
  void set(const K& kernel, ad::ConstView x) {
    if (!(x.shape == shape_)) {
      throw std::invalid_argument("Chains: positions " + ad::str(x.shape) + "; need " +
                                  ad::str(shape_));
    }
    ad::parallel_for(states_.size(), [&](std::size_t b) {
      std::ranges::copy(x.slice(blocks_.first(b), blocks_.size(b)).flat(), states_[b].x().data);
      refresh(kernel, b);
    });
  }

  /// A copy (n, d).
  ad::Tensor positions() const {
    ad::Tensor x(shape_);
    for (std::size_t b = 0; b < states_.size(); ++b) {
      std::ranges::copy(states_[b].x().flat(),
                        x.view().slice(blocks_.first(b), blocks_.size(b)).data);
    }
    return x;
  }

  /// Sums over the blocks, in a fixed order.
  Counts counts() const {
    Counts total;
    for (const State& s : states_) total += s.counts;
    return total;
  }
  /// Those of the global moves of an alternation; zeros for other kernels.
  Counts global_counts() const {
    Counts total;
    if constexpr (requires(State s) { s.global; }) {
      for (const State& s : states_) total += s.global.counts;
    }
    return total;
  }
  void reset_counts() {
    for (State& s : states_) {
      s.counts = {};
      if constexpr (requires { s.global; }) s.global.counts = {};
      if constexpr (requires { s.reset_counts(); }) s.reset_counts();
    }
  }
  void archive(ad::Archive& a) requires Resumable<K> {
    for (std::size_t b = 0; b < states_.size(); ++b) a(std::to_string(b), states_[b]);
  }
  /// The state of every block, for what only a kernel itself can read from them.
  std::span<const State> states() const { return states_; }
  std::size_t size() const { return blocks_.rows; }
  /// Chains per task.
  std::size_t block() const { return blocks_.block; }

 private:
  void refresh(const K& kernel, std::size_t b) {
    try {
      kernel.refresh(states_[b]);
    } catch (const ad::NonFinite& e) {
      throw located(e, blocks_.first(b), blocks_.size(b));
    }
  }

  ad::Blocks blocks_{0, 1};
  ad::Shape shape_;
  std::vector<State> states_;
};

}  // namespace eqp::mcmc
