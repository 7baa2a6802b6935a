#pragma once

#include <algorithm>

#include "mcmc/kernel.hpp"
#include "mcmc/mode_weights.hpp"

namespace eqp::mcmc {

/// Local's chains, each held in the region where it is: a step that ends in another one is taken
/// back. If Local is reversible, the density within each region stays invariant, and so does the
/// whole one; counts are of Local's moves, whether they are taken back or not.
template <Kernel Local>
class Confined {
 public:
  struct State : Local::State {
    ad::Tensor before;  // positions (n, d)
  };

  /// `region` may be called from several threads.
  Confined(Local local, Labelling region) : local_(std::move(local)), region_(std::move(region)) {}
  double& step_size() requires Adaptable<Local> { return local_.step_size(); }

  std::size_t block(std::size_t chains) const { return local_.block(chains); }
  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    return {local_.init(x0, first_chain), ad::Tensor(x0.shape)};
  }
  void refresh(State& s) const { local_.refresh(s); }

  void step(State& s, const ad::BlockRng& rng) const {
    const ad::View x = s.x();
    std::ranges::copy(x.flat(), s.before.flat().begin());
    local_.step(s, rng);
    bool taken_back = false;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      if (region_(x.row(i)) == region_(s.before.row(i))) continue;
      std::ranges::copy(s.before.row(i), x.row(i).begin());
      taken_back = true;
    }
    if (taken_back) local_.refresh(s);
  }

 private:
  Local local_;
  Labelling region_;
};

}  // namespace eqp::mcmc
