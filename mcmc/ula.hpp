#pragma once

#include <algorithm>
#include <limits>
#include <optional>
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
    /// Standard deviation s of a step's noise; none: sqrt(2h). With another one the chain samples
    /// not exp(-U) but, as far as steps are short, exp(-U / T) at the temperature T = s^2 / (2h):
    /// where that is low it finds where U is small, and says nothing of how much mass is there.
    std::optional<double> noise = std::nullopt;
    /// Entries of grad U count as at most this large, so that a step moves by at most h clip. Where
    /// it acts, the drift is not the gradient of U and the chain has another law than exp(-U / T).
    double clip = std::numeric_limits<double>::infinity();
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

  /// Throws std::invalid_argument unless step size, bound and clip are positive, and the noise is
  /// finite and not negative.
  Ula(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        step_size_(checked_step_size("Ula", options.step_size)),
        noise_(options.noise.value_or(std::sqrt(2 * step_size_))),
        bound_(Real(options.bound)),
        clip_(Real(options.clip)),
        value_and_grad_(mcmc::value_and_grad(energy, dim)) {
    const auto need = [](bool met, const char* name, double value, const char* what) {
      if (met) return;
      throw std::invalid_argument(std::string("Ula: ") + name + " " + std::to_string(value) +
                                  "; need a number " + what);
    };
    need(bound_ > 0, "bound", options.bound, "above 0");
    need(noise_ >= 0 && std::isfinite(noise_), "noise", noise_, "of at least 0");
    need(clip_ > 0, "clip", options.clip, "above 0");
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
    const Real drift = Real(step_size_), kick = Real(noise_);
    evaluate(s.at, s.position);
    rng.normal(s.noise);
    const std::span<const Real> g = s.at.out(1).flat(), xi = s.noise.flat();
    const std::span<Real> x = s.position.flat();
    const Real bound = bound_, clip = clip_;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const auto within = [](Real v, Real limit) {  // NaN stays
        return v > limit ? limit : v < -limit ? -limit : v;
      };
      x[k] = within(x[k] + kick * xi[k] - drift * within(g[k], clip), bound);
    }
    if (!ad::all_finite(x)) stop_at_position("Ula", s.at, s.position);
    s.counts.gradients += s.position.rows();
  }

 private:
  std::size_t dim_;
  double step_size_, noise_;
  Real bound_, clip_;
  ad::Batched value_and_grad_;
};
static_assert(Kernel<Ula>);

}  // namespace eqp::mcmc
