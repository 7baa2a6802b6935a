#pragma once

#include <algorithm>
#include <stdexcept>

#include "mcmc/kernel.hpp"

namespace eqp::mcmc {

/// What one step of an alternation is: a whole cycle, or one move of it (as when every visited
/// state is to be seen).
enum class Step { cycle, move };

/// Global and local kernels in turn (Gabrie, Rotskoff & Vanden-Eijnden 2022): a cycle is
/// global_steps of Global, then local_steps of Local. With Step::move, step t is the (t mod cycle
/// length)-th move of a cycle, so a run whose first step is 0 begins with a global one.
/// Both kernels must leave the same density invariant; each sees the positions the other left, with
/// refreshed caches.
template <Kernel Global, Kernel Local>
class Alternate {
 public:
  struct Options {
    std::uint32_t global_steps = 1;
    std::uint32_t local_steps = 10;
    Step step = Step::cycle;
  };
  /// The local kernel's state, whose x() is the position and whose counts are of local moves.
  struct State : Local::State {
    typename Global::State global;  // global.counts are of global moves
    bool stale = false;             // the local kernel's caches await a refresh
    void archive(ad::Archive& a) requires(Resumable<Global>&& Resumable<Local>) {
      a("local", static_cast<typename Local::State&>(*this));
      a("global", global);
      a("stale", stale);
    }
  };

  /// Throws std::invalid_argument if there are no steps at all.
  Alternate(Global global, Local local, Options options = {})
      : options_(options), global_(std::move(global)), local_(std::move(local)) {
    if (cycle() == 0) {
      throw std::invalid_argument("Alternate: 0 global and 0 local steps; need at least 1");
    }
  }
  double& step_size() requires Adaptable<Local> { return local_.step_size(); }
  Metric& metric() requires Preconditioned<Local> { return local_.metric(); }
  double try_leapfrog(State& s, const ad::BlockRng& rng) const requires Hamiltonian<Local> {
    if (s.stale) local_.refresh(s);
    s.stale = false;
    return local_.try_leapfrog(s, rng);
  }

  std::size_t block(std::size_t chains) const {
    return std::min(global_.block(chains), local_.block(chains));
  }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    return {local_.init(x0, first_chain), global_.init(x0, first_chain)};
  }

  /// Caches wait until somebody needs them: a global phase begins with refreshing its own and ends
  /// with refreshing the local ones.
  void refresh(State& s) const { s.stale = true; }

  void step(State& s, const ad::BlockRng& rng) const {
    if (options_.step == Step::cycle) {
      if (options_.global_steps > 0) global_phase(s, rng.fork(0), options_.global_steps);
      const ad::BlockRng local = rng.fork(1);
      for (std::uint32_t k = 0; k < options_.local_steps; ++k) local_step(s, local.fork(k));
    } else if (rng.step % cycle() < options_.global_steps) {
      global_phase(s, rng, 1);
    } else {
      local_step(s, rng);
    }
  }

 private:
  std::uint32_t cycle() const { return options_.global_steps + options_.local_steps; }

  void local_step(State& s, const ad::BlockRng& rng) const {
    if (s.stale) local_.refresh(s);
    s.stale = false;
    local_.step(s, rng);
  }

  void global_phase(State& s, const ad::BlockRng& rng, std::uint32_t steps) const {
    std::ranges::copy(s.x().flat(), s.global.x().data);
    global_.refresh(s.global);
    for (std::uint32_t k = 0; k < steps; ++k) global_.step(s.global, rng.fork(k));
    std::ranges::copy(s.global.x().flat(), s.x().data);
    local_.refresh(s);
    s.stale = false;
  }

  Options options_;
  Global global_;
  Local local_;
};

}  // namespace eqp::mcmc
