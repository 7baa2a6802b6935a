#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "autodiff/non_finite.hpp"
#include "autodiff/ranks.hpp"
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

/// What visits write about chains: of chain i values first(i) up to first(i + 1), where first does
/// not fall.
struct Written {
  template <class T, class First>
  Written(std::span<T> values, First first)
      : bytes(std::as_writable_bytes(values)),
        begin([=](std::size_t chain) { return first(chain) * sizeof(T); }) {}

  std::span<std::byte> bytes;
  std::function<std::size_t(std::size_t chain)> begin;
};

/// The chains of a run, as blocks that are advanced in parallel, and by the ranks of a job each its
/// share of them if the kernel is Resumable; results depend on neither. What one rank has done,
/// the others know when they ask.
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
    // By every rank, since a state that is to be fetched needs its shapes.
    ad::parallel_for(states_.size(), [&](std::size_t b) {
      states_[b] = kernel.init(x0.slice(blocks_.first(b), blocks_.size(b)), blocks_.first(b));
    });
  }

  /// Advances every chain from step first_step by `steps`; a task is all steps of a block. Throws
  /// NonFinite if a kernel cannot go on, naming the chain, the step and the first bad operation.
  void advance(const K& kernel, std::uint32_t first_step, std::uint32_t steps, ad::Key key) {
    advance(
        kernel, first_step, steps, key, [](std::size_t, std::uint32_t, ad::View) {}, shares());
  }
  /// The same. After each step visit(first_chain, step, x) sees the positions x (rows, d) of a
  /// block, whose row 0 is chain first_chain, or of a single chain, where chains do not wait for
  /// each other; one that takes a fourth argument is given the transitions of these rows. It is
  /// called for several blocks at the same time. Every rank advances all chains, for who knows what
  /// a visit does.
  template <class Visit>
  void advance(const K& kernel, std::uint32_t first_step, std::uint32_t steps, ad::Key key,
               const Visit& visit) {
    advance(kernel, first_step, steps, key, visit, false);
  }
  /// The same for visits that do nothing but write: ranks share the chains out, and each gets what
  /// the visits of the others have written.
  template <class Visit>
  void advance(const K& kernel, std::uint32_t first_step, std::uint32_t steps, ad::Key key,
               const Visit& visit, std::span<const Written> written) {
    advance(kernel, first_step, steps, key, visit, shares());
    if (!shares()) return;
    for (const Written& part : written) {
      std::vector<std::size_t> starts{part.begin(0)};
      for (std::size_t r = 0; r < ad::n_ranks(); ++r) {
        const std::size_t end = ad::share(states_.size(), r).end;
        starts.push_back(part.begin(std::min(blocks_.first(end), size())));
      }
      ad::gather_bytes(part.bytes, starts);
    }
  }

  /// Re-evaluates cached energies, after the energy's or the proposal's parameters moved. Throws
  /// NonFinite naming the chain where one is not finite.
  void refresh(const K& kernel) {
    for_blocks(shares(), [&](std::size_t b) { refresh(kernel, b); });
  }

  /// Moves every chain: x (n, d). Throws std::invalid_argument for another shape, NonFinite as
  /// refresh does.
  void set(const K& kernel, ad::ConstView x) {
    if (!(x.shape == shape_)) {
      throw std::invalid_argument("Chains: positions " + ad::str(x.shape) + "; need " +
                                  ad::str(shape_));
    }
    for_blocks(shares(), [&](std::size_t b) {
      std::ranges::copy(x.slice(blocks_.first(b), blocks_.size(b)).flat(), states_[b].x().data);
      refresh(kernel, b);
    });
  }

  /// The mean over all chains of what f(state, rng) sums over those of a block; blocks run in
  /// parallel and are summed in a fixed order.
  template <class F>
  double mean(ad::Key key, std::uint32_t step, const F& f) {
    std::vector<double> sums(states_.size());
    for_blocks(shares(), [&](std::size_t b) {
      sums[b] = f(states_[b], ad::BlockRng{key, step, std::uint32_t(blocks_.first(b))});
    });
    if (shares()) ad::gather_shares(sums.size(), std::span(sums));
    double total = 0;
    for (const double sum : sums) total += sum;
    return total / double(size());
  }

  /// A copy (n, d).
  ad::Tensor positions() {
    know_all();
    ad::Tensor x(shape_);
    for (std::size_t b = 0; b < states_.size(); ++b) {
      std::ranges::copy(states_[b].x().flat(),
                        x.view().slice(blocks_.first(b), blocks_.size(b)).data);
    }
    return x;
  }

  /// Sums over the blocks, in a fixed order.
  Counts counts() {
    know_all();
    Counts total;
    for (const State& s : states_) total += s.counts;
    return total;
  }
  /// Those of the global moves of an alternation; zeros for other kernels.
  Counts global_counts() {
    know_all();
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
    know_all();
    for (std::size_t b = 0; b < states_.size(); ++b) a(std::to_string(b), states_[b]);
  }
  /// The state of every block, for what only a kernel itself can read from them.
  std::span<const State> states() {
    know_all();
    return states_;
  }
  std::size_t size() const { return blocks_.rows; }
  std::size_t dim() const { return shape_[1]; }
  /// Chains per task.
  std::size_t block() const { return blocks_.block; }

 private:
  template <class Visit>
  static void show(const Visit& visit, State& s, std::size_t first, std::size_t row,
                   std::size_t rows, std::uint32_t t) {
    const ad::View x = s.x().slice(row, rows);
    if constexpr (std::is_invocable_v<Visit, std::size_t, std::uint32_t, ad::View,
                                      std::span<const Transition>>) {
      visit(first + row, t, x, std::as_const(s).transitions().subspan(row, rows));
    } else {
      visit(first + row, t, x);
    }
  }

  static bool shares() { return Resumable<K> && ad::is_shared_out(); }

  /// f(block) for all blocks, of which other ranks do their part if they are shared out.
  template <class F>
  void for_blocks(bool shared_out, const F& f) {
    if (!shared_out) {
      know_all();
      return ad::parallel_for(states_.size(), f);
    }
    theirs_are_old_ = true;
    ad::parallel_for_share(states_.size(), f);
  }

  template <class Visit>
  void advance(const K& kernel, std::uint32_t first_step, std::uint32_t steps, ad::Key key,
               const Visit& visit, bool shared_out) {
    for_blocks(shared_out, [&](std::size_t b) {
      State& s = states_[b];
      const std::size_t first = blocks_.first(b);
      std::uint32_t t = first_step;
      try {
        if constexpr (RunsAhead<K>) {
          const auto seen = [&](std::size_t row, std::uint32_t step) {
            show(visit, s, first, row, 1, t = step);
          };
          kernel.advance(s, {key, t, std::uint32_t(first)}, steps, seen);
        } else {
          for (; t < first_step + steps; ++t) {
            kernel.step(s, {key, t, std::uint32_t(first)});
            show(visit, s, first, 0, blocks_.size(b), t);
          }
        }
      } catch (const ad::NonFinite& e) {
        throw located(e, first, blocks_.size(b), " at step " + std::to_string(t));
      }
    });
  }

  /// Fetches the states of the blocks that other ranks have worked on.
  void know_all() {
    if constexpr (Resumable<K>) {
      if (!std::exchange(theirs_are_old_, false)) return;
      if (!shares()) throw std::logic_error("Chains: shared out among ranks, then used by a task");
      ad::gather_states(states_.size(),
                        [&](ad::Archive& a, std::size_t b) { a(std::to_string(b), states_[b]); });
    }
  }

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
  bool theirs_are_old_ = false;  // the states of other ranks' blocks
};

}  // namespace eqp::mcmc
