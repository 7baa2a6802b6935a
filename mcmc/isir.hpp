#pragma once

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "mcmc/weights.hpp"

namespace eqp::mcmc {

/// Iterated sampling importance resampling (Tjelmeland 2004; Andrieu, Lee & Vihola 2018): besides
/// the current y_1 = x, draw y_2 ... y_N from the proposal q and move to y_k with probability
/// proportional to w(y_k) = exp(-U(y_k)) / q(y_k). Exact for any N >= 2; N = 2 is Barker's rule.
///
/// Weights are log-sum-exp sums in double; a particle whose log-weight is NaN or +infinity has
/// none. counts.accepted sums P(k != 1) given the particles.
class Isir {
 public:
  struct Options {
    std::size_t particles = 32;  // N, the current state included
  };
  struct State {
    ad::Workspace at;                // in: positions  out: U (n), log q (n)
    ad::Workspace fresh;             // in: normals of some chains' particles  out: y, U, log q
    ad::Tensor position;             // x (n, d)
    std::vector<double> log_weight;  // log w(x) (n)
    std::vector<double> weights;     // of the particles of one chain (N)
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

  /// Throws std::invalid_argument for fewer than 2 particles.
  Isir(const Energy& energy, const Proposal& proposal, Options options)
      : dim_(proposal.dim),
        fresh_(options.particles - 1),
        current_weight_(mcmc::current_weight(energy, proposal)),
        fresh_weight_(mcmc::fresh_weight(energy, proposal)) {
    if (options.particles < 2) {
      throw std::invalid_argument("Isir: particles " + std::to_string(options.particles) +
                                  "; need at least 2, the current state and a fresh one");
    }
  }

  std::size_t block(std::size_t chains) const { return current_weight_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("Isir", current_weight_, dim_, x0),
            .fresh = fresh_weight_.workspace(fresh_ * std::min(chains_per_run(), x0.rows())),
            .position = ad::Tensor(x0),
            .log_weight = std::vector<double>(x0.rows()),
            .weights = std::vector<double>(fresh_ + 1)};
    cache_log_weight(s);
    check_start("Isir", s.at, {"energy", "log q"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_log_weight(s);
    check_refreshed("Isir", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    const std::size_t n = s.log_weight.size(), chains = s.fresh.in(0).rows() / fresh_;
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t first = 0; first < n; first += chains) {
      const std::size_t count = std::min(chains, n - first);
      // One row per chain: its particles are addressed by the chain, not by its place in the block.
      ad::BlockRng{rng.key, rng.step, rng.first_chain + std::uint32_t(first)}.normal(
          {s.fresh.in(0).data, {count, fresh_ * s.fresh.in(0).cols()}});
      s.fresh.run();
      for (std::size_t c = 0; c < count; ++c) choose(s, first + c, c * fresh_, rng);
    }
    s.nan_proposals.check("Isir", s.fresh, n * fresh_, s.counts.nan - nan, kProposalAdvice);
  }

 private:
  /// About 128 rows per run of the workspace: few particles alone would not fill a matrix product.
  std::size_t chains_per_run() const { return std::max<std::size_t>(1, 128 / fresh_); }

  /// Moves chain i to one of its particles, which start at this row of the fresh ones.
  void choose(State& s, std::size_t i, std::size_t row, const ad::BlockRng& rng) const {
    auto& w = s.weights;
    w[0] = s.log_weight[i];
    for (std::size_t k = 0; k < fresh_; ++k) {
      const Real energy = s.fresh.out(1)[row + k], log_q = s.fresh.out(2)[row + k];
      w[k + 1] = log_weight(energy, log_q);
      count_not_finite(double(energy) + double(log_q), s.counts);
    }
    s.counts.proposed += 1;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double top = -infinity, sum = 0, squares = 0;
    for (const double v : w) top = std::max(top, v);
    for (double& v : w) {
      v = std::exp(v - top);
      sum += v;
      squares += v * v;
    }
    s.counts.accepted += 1 - w[0] / sum;
    s.counts.weight_ess += sum * sum / squares;

    const double target = rng.uniform(i) * sum;  // inverse distribution function
    std::size_t k = 0;
    for (double below = w[0]; below <= target && k < fresh_; below += w[k]) ++k;
    if (k == 0) return;
    s.log_weight[i] = log_weight(s.fresh.out(1)[row + k - 1], s.fresh.out(2)[row + k - 1]);
    std::ranges::copy(s.fresh.out(0).row(row + k - 1), s.position.row(i).begin());
  }

  std::size_t dim_, fresh_;
  ad::Batched current_weight_, fresh_weight_;
};
static_assert(Kernel<Isir>);

}  // namespace eqp::mcmc
