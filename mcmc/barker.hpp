#pragma once

#include <cmath>
#include <vector>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// The Barker proposal (Livingstone & Zanella 2022, algorithm 1): coordinate by coordinate
/// y_j = x_j + b_j z_j with z_j ~ N(0, h^2) and a sign b_j = +-1 that is + with probability
/// 1 / (1 + exp(z_j d_j U(x))), so that moves go downhill more often than up, never further;
/// accepted with the Metropolis-Hastings probability. Exact for any step size h. A gradient that is
/// steep, or a step size that is too large, costs it much less than it costs Mala.
class Barker {
 public:
  struct Options {
    double step_size = 0.5;  // h, in units of x
  };
  struct State {
    ad::Workspace at;                                // in: a position  out: U (n), grad U (n, d)
    ad::Tensor position, gradient, proposal, noise;  // x, grad U(x), y and z / h, all (n, d)
    ad::Tensor uniform;                              // what decides the signs (n, d)
    std::vector<double> energy;                      // U(x) (n)
    NanProposals nan_proposals = {};
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
    void archive(ad::Archive& a) {
      a("position", position);
      a("gradient", gradient);
      a("energy", std::span(energy));
      a("nan_proposals", nan_proposals);
      a("counts", counts);
    }
  };

  /// Throws std::invalid_argument unless the step size is positive.
  Barker(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        step_size_(checked_step_size("Barker", options.step_size)),
        value_and_grad_(mcmc::value_and_grad(energy, dim)) {}
  double& step_size() { return step_size_; }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("Barker", value_and_grad_, dim_, x0),
            .position = ad::Tensor(x0),
            .gradient = ad::Tensor(x0.shape),
            .proposal = ad::Tensor(x0.shape),
            .noise = ad::Tensor(x0.shape),
            .uniform = ad::Tensor(x0.shape),
            .energy = std::vector<double>(x0.rows())};
    cache_energy_and_gradient(s);
    check_start("Barker", s.at, {"energy", "energy gradient"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_energy_and_gradient(s);
    check_refreshed("Barker", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.noise);
    rng.uniform(s.uniform);
    const Real h = Real(step_size_);
    for (std::size_t k = 0; k < s.noise.size(); ++k) {
      const Real z = h * s.noise[k];
      // u < 1 / (1 + e), also where e is infinite.
      const bool along = s.uniform[k] * (1 + std::exp(z * s.gradient[k])) < 1;
      s.proposal[k] = s.position[k] + (along ? z : -z);
    }
    evaluate(s.at, s.proposal);
    const ad::ConstView gradient = s.at.out(1);  // grad U(y)
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      const double proposed = s.at.out(0)[i];
      const double correction =
          correct(s.position.row(i), s.proposal.row(i), s.gradient.row(i), gradient.row(i));
      if (!metropolis(s.energy[i], proposed, correction, rng, i, s.counts)) continue;
      s.energy[i] = proposed;
      std::ranges::copy(s.proposal.row(i), s.position.row(i).begin());
      std::ranges::copy(gradient.row(i), s.gradient.row(i).begin());
    }
    s.counts.gradients += s.energy.size();
    s.nan_proposals.check("Barker", s.at, s.energy.size(), s.counts.nan - nan, kStepSizeAdvice);
  }

 private:
  /// log q(x | y) - log q(y | x) = sum_j log (1 + exp(g_j m_j)) - log (1 + exp(-g'_j m_j)) with the
  /// move m = y - x and the gradients g at x and g' at y.
  static double correct(std::span<const Real> x, std::span<const Real> y, std::span<const Real> g,
                        std::span<const Real> after) {
    return ad::sum_of(x.size(), [&](std::size_t j) {
      const double move = double(y[j]) - double(x[j]);
      const double a = double(g[j]) * move, b = -double(after[j]) * move;
      // log (1 + e^a) = max(a, 0) + log (1 + e^-|a|): nothing overflows.
      return std::max(a, 0.0) - std::max(b, 0.0) +
             std::log((1 + std::exp(-std::abs(a))) / (1 + std::exp(-std::abs(b))));
    });
  }

  std::size_t dim_;
  double step_size_;
  ad::Batched value_and_grad_;
};
static_assert(Adaptable<Barker>);

}  // namespace eqp::mcmc
