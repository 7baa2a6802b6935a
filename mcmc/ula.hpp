#pragma once

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Unadjusted Langevin (Roberts & Tweedie 1996): x <- x - h grad U(x) + sqrt(2h) xi.
/// No accept/reject: the stationary law is biased by O(h), N(0, s^2) becoming
/// N(0, s^2 / (1 - h / (2 s^2))), and a step size beyond 2 / (largest curvature of U) diverges.
class Ula {
 public:
  struct Options {
    double step_size = 0.01;  // h, in units of x squared
    /// Positions are kept in [-bound, bound]^d, since an energy in training may have curvature
    /// beyond 2 / h at times, where the chain explodes. It adds bias only where the target has mass
    /// outside.
    double bound = std::numeric_limits<double>::infinity();
  };
  struct State {
    ad::Workspace at;            // in: a position  out: U (n), grad U (n, d)
    ad::Tensor position, noise;  // x and xi, both (n, d)
    Counts counts;
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("counts", counts);
    }
  };

  /// Throws std::invalid_argument unless the step size and the bound are positive.
  Ula(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        step_size_(checked_step_size("Ula", options.step_size)),
        bound_(Real(options.bound)),
        value_and_grad_(mcmc::value_and_grad(energy, dim)) {
    if (bound_ > 0) return;
    throw std::invalid_argument("Ula: bound " + std::to_string(bound_) + "; need a number above 0");
  }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("Ula", value_and_grad_, dim_, x0),
            .position = ad::Tensor(x0),
            .noise = ad::Tensor(x0.shape)};
    evaluate(s.at, s.position);
    check_start("Ula", s.at, {"energy", "energy gradient"}, first_chain);
    return s;
  }

  /// Nothing is cached: a step evaluates the gradient where it starts.
  void refresh(State&) const {}

  void step(State& s, const ad::BlockRng& rng) const {
    const Real drift = Real(step_size_), kick = Real(std::sqrt(2 * step_size_));
    evaluate(s.at, s.position);
    rng.normal(s.noise);
    const std::span<const Real> g = s.at.out(1).flat(), xi = s.noise.flat();
    const std::span<Real> x = s.position.flat();
    const Real bound = bound_;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const Real moved = x[k] + kick * xi[k] - drift * g[k];
      x[k] = moved > bound ? bound : moved < -bound ? -bound : moved;  // NaN stays
    }
    if (!ad::all_finite(x)) stop_at_position("Ula", s.at, s.position);
    s.counts.gradients += s.position.rows();
  }

 private:
  std::size_t dim_;
  double step_size_;
  Real bound_;
  ad::Batched value_and_grad_;
};
static_assert(Kernel<Ula>);

}  // namespace eqp::mcmc
