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
    NanProposals nan_proposals = {};
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("log_weight", std::span(log_weight));
      a("nan_proposals", nan_proposals);
      a("counts", counts);
    }
  };

  IndependentMh(const Energy& energy, const Proposal& proposal)
      : dim_(proposal.dim),
        current_weight_(mcmc::current_weight(energy, proposal)),
        fresh_weight_(mcmc::fresh_weight(energy, proposal)) {}

  std::size_t block(std::size_t chains) const { return current_weight_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("IndependentMh", current_weight_, dim_, x0),
            .fresh = fresh_weight_.workspace(x0.rows()),
            .position = ad::Tensor(x0),
            .log_weight = std::vector<double>(x0.rows())};
    cache_log_weight(s);
    check_start("IndependentMh", s.at, {"energy", "log q"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_log_weight(s);
    check_refreshed("IndependentMh", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.fresh.in(0));
    s.fresh.run();
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t i = 0; i < s.log_weight.size(); ++i) {
      const double proposed = double(s.fresh.out(1)[i]) + double(s.fresh.out(2)[i]);  // -log w(y)
      if (!metropolis(-s.log_weight[i], proposed, 0, rng, i, s.counts)) continue;
      s.log_weight[i] = -proposed;
      std::ranges::copy(s.fresh.out(0).row(i), s.position.row(i).begin());
    }
    s.nan_proposals.check("IndependentMh", s.fresh, s.log_weight.size(), s.counts.nan - nan,
                          kProposalAdvice);
  }

 private:
  std::size_t dim_;
  ad::Batched current_weight_, fresh_weight_;
};
static_assert(Kernel<IndependentMh>);

}  // namespace eqp::mcmc
