#pragma once

#include <vector>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Metropolis-adjusted Langevin (Roberts & Tweedie 1996): y = x - h grad U(x) + sqrt(2h) xi,
/// accepted with the Metropolis-Hastings probability. Exact for any step size h.
class Mala {
 public:
  struct Options {
    double step_size = 0.01;  // h, in units of x squared
  };
  struct State {
    ad::Workspace at;                                // in: a position  out: U (n), grad U (n, d)
    ad::Tensor position, gradient, proposal, noise;  // x, grad U(x), y and xi, all (n, d)
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
  Mala(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        step_size_(checked_step_size("Mala", options.step_size)),
        value_and_grad_(mcmc::value_and_grad(energy, dim)) {}
  double& step_size() { return step_size_; }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for("Mala", value_and_grad_, dim_, x0),
            .position = ad::Tensor(x0),
            .gradient = ad::Tensor(x0.shape),
            .proposal = ad::Tensor(x0.shape),
            .noise = ad::Tensor(x0.shape),
            .energy = std::vector<double>(x0.rows())};
    cache_energy_and_gradient(s);
    check_start("Mala", s.at, {"energy", "energy gradient"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_energy_and_gradient(s);
    check_refreshed("Mala", s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    const double h = step_size_;
    const Real drift = Real(h), kick = Real(std::sqrt(2 * h));
    rng.normal(s.noise);
    const std::span<const Real> x = s.position.flat(), g = s.gradient.flat(), xi = s.noise.flat();
    const std::span<Real> y = s.proposal.flat();
    for (std::size_t k = 0; k < y.size(); ++k) y[k] = x[k] - drift * g[k] + kick * xi[k];
    evaluate(s.at, s.proposal);
    const ad::ConstView gradient = s.at.out(1);  // grad U(y)
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      const double proposed = s.at.out(0)[i];
      // log q(x | y) - log q(y | x) = (|y - x + h grad U(x)|^2 - |x - y + h grad U(y)|^2) / 4h,
      // of which the factors of the difference of squares lose no digits.
      const Real *from = &x[i * dim_], *to = &y[i * dim_];
      const Real *slope_from = &g[i * dim_], *slope_to = &gradient[i * dim_];
      const double correction = ad::sum_of(dim_, [=](std::size_t j) {
        const double move = double(to[j]) - double(from[j]);
        const double before = slope_from[j], after = slope_to[j];
        return (before + after) * (move / 2 + h / 4 * (before - after));
      });
      if (!metropolis(s.energy[i], proposed, correction, rng, i, s.counts)) continue;
      s.energy[i] = proposed;
      std::ranges::copy(s.proposal.row(i), s.position.row(i).begin());
      std::ranges::copy(gradient.row(i), s.gradient.row(i).begin());
    }
    s.counts.gradients += s.energy.size();
    s.nan_proposals.check("Mala", s.at, s.energy.size(), s.counts.nan - nan, kStepSizeAdvice);
  }

 private:
  std::size_t dim_;
  double step_size_;
  ad::Batched value_and_grad_;
};
static_assert(Adaptable<Mala>);

}  // namespace eqp::mcmc
