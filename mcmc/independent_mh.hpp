#pragma once

#include <vector>

#include "mcmc/weights.hpp"

namespace eqp::mcmc {

/// Independent Metropolis-Hastings (Tierney 1994): y ~ q, accepted with probability
/// min(1, w(y) / w(x)), where w = exp(-U) / q. Exact for any proposal that covers the target.
class IndependentMh {
 public:
  struct State {
    ad::Workspace at;                // in: positions  out: U (n), log q (n)
    ad::Workspace fresh;             // in: normals (n, d)  out: y (n, d), U (n), log q (n)
    ad::Tensor position;             // x (n, d)
    std::vector<double> log_weight;  // log w(x) (n)
    Counts counts;
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
  };

  IndependentMh(const Energy& energy, const Proposal& proposal)
      : dim_(proposal.dim),
        current_weight_(mcmc::current_weight(energy, proposal)),
        fresh_weight_(mcmc::fresh_weight(energy, proposal)) {}

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("IndependentMh", current_weight_, dim_, x0),
            .fresh = fresh_weight_.workspace(x0.rows()),
            .position = ad::Tensor(x0),
            .log_weight = std::vector<double>(x0.rows())};
    refresh(s);
    check_start("IndependentMh", s.at, {"energy", "log q"}, first_chain);
    return s;
  }

  void refresh(State& s) const { cache_log_weight(s); }

  void step(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.fresh.in(0));
    s.fresh.run();
    for (std::size_t i = 0; i < s.log_weight.size(); ++i) {
      const double proposed = log_weight(s.fresh.out(1)[i], s.fresh.out(2)[i]);
      if (!metropolis(-s.log_weight[i], -proposed, 0, rng, i, s.counts)) continue;
      s.log_weight[i] = proposed;
      std::ranges::copy(s.fresh.out(0).row(i), s.position.row(i).begin());
    }
  }

 private:
  std::size_t dim_;
  ad::Batched current_weight_, fresh_weight_;
};
static_assert(Kernel<IndependentMh>);

}  // namespace eqp::mcmc
