#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Underdamped Langevin dynamics dx = p dt, dp = -grad U dt - gamma p dt + sqrt(2 gamma) dW by the
/// splitting BAOAB (Leimkuhler & Matthews 2013): half a kick, half a drift, the friction and noise
/// of a whole step, half a drift, half a kick. One gradient a step.
///
/// There is no accept/reject, so it is not exact: averages are biased by O(h^2), and a step beyond
/// 2 / sqrt(largest curvature of U) diverges. For a Gaussian target the positions, though not the
/// momenta, have the exact stationary law at every h below that: N(0, s^2) stays, while p becomes
/// N(0, 1 - h^2 / (4 s^2)).
class Baoab {
 public:
  struct Options {
    double step_size = 0.1;  // h, in units of time: of x, at unit mass and temperature
    double friction = 1;     // gamma, per unit of time; 0: none, and then nothing forgets
  };
  struct State {
    ad::Workspace at;                      // in: the positions  out: U (n), grad U (n, d)
    ad::Tensor position, momentum, noise;  // x, p and xi, all (n, d)
    bool at_rest = true;                   // the momenta are yet to be drawn, by the first step
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("momentum", momentum);
      a("at_rest", at_rest);
      a("counts", counts);
      if (a.reading()) evaluate(at, position);  // as every step ends
    }
  };

  /// Throws std::invalid_argument unless the step size is positive and the friction not negative.
  Baoab(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        step_size_(checked_step_size("Baoab", options.step_size)),
        friction_(options.friction),
        value_and_grad_(mcmc::value_and_grad(energy, dim)) {
    if (friction_ >= 0 && std::isfinite(friction_)) return;
    std::ostringstream text;
    text << "Baoab: friction " << friction_ << "; need a finite number of at least 0";
    throw std::invalid_argument(text.str());
  }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("Baoab", value_and_grad_, dim_, x0),
            .position = ad::Tensor(x0),
            .momentum = ad::Tensor(x0.shape),
            .noise = ad::Tensor(x0.shape)};
    evaluate(s.at, s.position);
    check_start("Baoab", s.at, {"energy", "energy gradient"}, first_chain);
    return s;
  }

  /// Momenta, being independent of where a chain is, stay as they are.
  void refresh(State& s) const {
    evaluate(s.at, s.position);
    s.counts.gradients += s.position.rows();
    check_refreshed("Baoab", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    if (s.at_rest) rng.fork(0).normal(s.momentum);
    s.at_rest = false;
    rng.normal(s.noise);
    const Real half = Real(step_size_ / 2), kept = Real(std::exp(-friction_ * step_size_)),
               kick = Real(std::sqrt(-std::expm1(-2 * friction_ * step_size_)));
    const std::span<Real> x = s.position.flat(), p = s.momentum.flat();
    const std::span<const Real> g = s.at.out(1).flat(), xi = s.noise.flat();
    for (std::size_t k = 0; k < x.size(); ++k) {
      const Real pushed = p[k] - half * g[k];
      p[k] = kept * pushed + kick * xi[k];
      x[k] += half * (pushed + p[k]);
    }
    if (!ad::all_finite(x)) stop_at_position("Baoab", s.at, s.position);
    evaluate(s.at, s.position);
    for (std::size_t k = 0; k < x.size(); ++k) p[k] -= half * g[k];
    s.counts.gradients += s.position.rows();
  }

 private:
  std::size_t dim_;
  double step_size_, friction_;
  ad::Batched value_and_grad_;
};
static_assert(Kernel<Baoab>);

}  // namespace eqp::mcmc
