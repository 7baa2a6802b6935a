#pragma once

#include <memory>
#include <numbers>
#include <vector>

#include "flows/flow.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Elliptical slice sampling (Murray, Adams & MacKay 2010) with a Gaussian base rho = N(m, C): a
/// direction v ~ N(0, C), a level log u - L(x), and points m + (x - m) cos t + v sin t of an
/// ellipse with t uniform on a bracket that shrinks towards t = 0, until -L is above the level.
/// Here L = U + log rho is the energy without the base, so that the law is exp(-U): exact, and
/// without a step size. (The code of Grenioux et al. 2023 slices U itself, whose law is rho
/// exp(-U).) A target equal to the base takes every first point.
///
/// counts.proposed is the number of points looked at, of which one per chain and step is accepted.
class EllipticalSlice {
 public:
  struct Options {
    std::size_t max_shrinks = 200;  // each leaves about 3/4 of a bracket: enough for any rounding
  };
  struct State {
    ad::Workspace at;         // in: positions  out: L (n)
    ad::Workspace direction;  // in: normals (n, d)  out: v (n, d), m (1, d)
    // For n chains, n/2, n/4, ... 1: those that look for a point still.  in: points  out: L
    std::vector<ad::Workspace> tries;
    ad::Tensor position;                         // x (n, d)
    std::vector<double> energy, level;           // L(x), and what L may be at most, (n)
    std::vector<double> angle, lowest, highest;  // t and its bracket (n)
    std::vector<std::size_t> pending;            // chains that look for a point
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("energy", std::span(energy));
      a("counts", counts);
    }
  };

  /// Throws std::invalid_argument unless the base is Gaussian and there may be a shrink.
  EllipticalSlice(const Energy& energy, std::shared_ptr<const flows::Base> base, Options options);

  std::size_t block(std::size_t chains) const { return without_base_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    const std::size_t n = x0.rows();
    State s{.at = workspace_for("EllipticalSlice", without_base_, dim_, x0),
            .direction = direction_.workspace(n),
            .position = ad::Tensor(x0),
            .energy = std::vector<double>(n),
            .level = std::vector<double>(n),
            .angle = std::vector<double>(n),
            .lowest = std::vector<double>(n),
            .highest = std::vector<double>(n)};
    for (std::size_t rows = n; rows > 0; rows /= 2) {
      s.tries.push_back(without_base_.workspace(rows));
    }
    s.pending.reserve(n);
    cache_energy(s);
    check_start("EllipticalSlice", s.at, {"energy without the base"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_energy(s);
    check_refreshed("EllipticalSlice", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.direction.in(0));
    s.direction.run();
    s.pending.clear();
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      s.level[i] = s.energy[i] - std::log(rng.uniform(i));
      s.highest[i] = s.angle[i] = 2 * std::numbers::pi * rng.uniform(i, 1);
      s.lowest[i] = s.highest[i] - 2 * std::numbers::pi;
      s.pending.push_back(i);
    }
    for (std::uint32_t shrinks = 0; !s.pending.empty(); ++shrinks) {
      // Chains that are done cost nothing more: the smallest workspace that holds the others.
      std::size_t w = 0;
      while (w + 1 < s.tries.size() && s.tries[w + 1].in(0).rows() >= s.pending.size()) ++w;
      ad::Workspace& at = s.tries[w];
      for (std::size_t k = 0; k < s.pending.size(); ++k) place(s, s.pending[k], at.in(0).row(k));
      at.run();
      std::size_t left = 0;
      for (std::size_t k = 0; k < s.pending.size(); ++k) {
        const std::size_t i = s.pending[k];
        const double energy = at.out(0)[k];
        s.counts.proposed += 1;
        count_not_finite(energy, s.counts);
        if (proper_energy(energy) <= s.level[i]) {
          s.counts.accepted += 1;
          s.energy[i] = energy;
          std::ranges::copy(at.in(0).row(k), s.position.row(i).begin());
        } else if (shrinks < max_shrinks_) {
          (s.angle[i] < 0 ? s.lowest : s.highest)[i] = s.angle[i];
          s.angle[i] = s.lowest[i] + (s.highest[i] - s.lowest[i]) * rng.uniform(i, 2 + shrinks);
          s.pending[left++] = i;
        } else {
          check_slice_at(s, i);  // a slice without width: the chain stays
        }
      }
      s.pending.resize(left);
    }
  }

 private:
  static void cache_energy(State& s) {
    evaluate(s.at, s.position);
    std::ranges::copy(s.at.out(0).flat(), s.energy.begin());
  }

  /// The point of chain i at its angle.
  static void place(const State& s, std::size_t i, std::span<Real> to) {
    const Real cos = Real(std::cos(s.angle[i])), sin = Real(std::sin(s.angle[i]));
    const std::span<const Real> x = s.position.row(i), v = s.direction.out(0).row(i);
    const std::span<const Real> m = s.direction.out(1).row(0);
    for (std::size_t j = 0; j < to.size(); ++j) to[j] = m[j] + (x[j] - m[j]) * cos + v[j] * sin;
  }

  /// Throws NonFinite unless chain i, which found no other point of its slice, is at least on one.
  static void check_slice_at(State& s, std::size_t i);

  std::size_t dim_, max_shrinks_;
  ad::Batched without_base_, direction_;
};
static_assert(Kernel<EllipticalSlice>);

}  // namespace eqp::mcmc
