#pragma once

#include <vector>

#include "mcmc/metric.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Metropolis-adjusted Langevin (Roberts & Tweedie 1996): y = x - h grad U(x) + sqrt(2h) xi,
/// accepted with the Metropolis-Hastings probability. Exact for any step size h. With a metric,
/// M^-1 = L L^T, it is that in the coordinates L^-1 x: y = x + L v with
///   v = -h L^T grad U(x) + sqrt(2h) xi.
class Mala {
 public:
  static constexpr const char* kName = "Mala";

  struct Options {
    double step_size = 0.01;  // h, in units of x squared over those of the metric
    Metric metric = {};
  };
  struct State {
    ad::Workspace at;                                // in: a position  out: U (n), grad U (n, d)
    ad::Tensor position, gradient, proposal, noise;  // x, grad U(x), y and xi or v, (n, d)
    ad::Tensor slope, slope_after;                   // L^T grad U at x and y, of a metric (n, d)
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

  /// Throws std::invalid_argument unless the step size is positive and the metric fits.
  Mala(const Energy& energy, std::size_t dim, Options options)
      : dim_(dim),
        options_(std::move(options)),
        value_and_grad_(mcmc::value_and_grad(energy, dim)) {
    checked_step_size(kName, options_.step_size);
    check_metric(kName, options_.metric, dim);
  }
  double& step_size() { return options_.step_size; }
  Metric& metric() { return options_.metric; }

  std::size_t block(std::size_t chains) const { return value_and_grad_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s{.at = workspace_for(kName, value_and_grad_, dim_, x0),
            .position = ad::Tensor(x0),
            .gradient = ad::Tensor(x0.shape),
            .proposal = ad::Tensor(x0.shape),
            .noise = ad::Tensor(x0.shape),
            .slope = ad::Tensor(x0.shape),
            .slope_after = ad::Tensor(x0.shape),
            .energy = std::vector<double>(x0.rows())};
    cache_energy_and_gradient(s);
    check_start(kName, s.at, {"energy", "energy gradient"}, first_chain);
    return s;
  }

  void refresh(State& s) const {
    cache_energy_and_gradient(s);
    check_refreshed(kName, s.at);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    rng.normal(s.noise);
    propose(s);
    evaluate(s.at, s.proposal);
    const ad::ConstView gradient = s.at.out(1);  // grad U(y)
    if (has_metric()) slope(s.slope_after, gradient);
    const std::uint64_t nan = s.counts.nan;
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      const double proposed = s.at.out(0)[i];
      if (!metropolis(s.energy[i], proposed, correct(s, i), rng, i, s.counts)) continue;
      s.energy[i] = proposed;
      std::ranges::copy(s.proposal.row(i), s.position.row(i).begin());
      std::ranges::copy(gradient.row(i), s.gradient.row(i).begin());
    }
    s.counts.gradients += s.energy.size();
    s.nan_proposals.check(kName, s.at, s.energy.size(), s.counts.nan - nan, kStepSizeAdvice);
  }

 private:
  bool has_metric() const { return options_.metric.kind() != Metric::Kind::unit; }
  /// L^T g, rows independently.
  void slope(ad::Tensor& to, ad::ConstView g) const {
    std::ranges::fill(to.flat(), Real(0));
    options_.metric.kick(to, 1, g);
  }

  /// y; the noise becomes v if there is a metric.
  void propose(State& s) const {
    const Real drift = Real(options_.step_size), kick = Real(std::sqrt(2 * options_.step_size));
    const std::span<const Real> x = s.position.flat(), g = s.gradient.flat();
    const std::span<Real> y = s.proposal.flat(), xi = s.noise.flat();
    if (!has_metric()) {
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = x[k] - drift * g[k] + kick * xi[k];
      return;
    }
    slope(s.slope, s.gradient);
    const std::span<const Real> u = s.slope.flat();
    for (std::size_t k = 0; k < xi.size(); ++k) xi[k] = kick * xi[k] - drift * u[k];
    std::ranges::copy(x, y.begin());
    options_.metric.drift(s.proposal, 1, s.noise);
  }

  /// log q(x | y) - log q(y | x) of chain i: with a move m and gradients g at x and g' at y
  ///   (|m + h g|^2 - |m - h g'|^2) / 4h,
  /// of which the factors of the difference of squares lose no digits.
  double correct(const State& s, std::size_t i) const {
    const double h = options_.step_size;
    const auto sum = [&](std::span<const Real> before, std::span<const Real> after,
                         const auto& move) {
      return ad::sum_of(dim_, [=](std::size_t j) {
        const double from = before[j], to = after[j];
        return (from + to) * (move(j) / 2 + h / 4 * (from - to));
      });
    };
    if (has_metric()) {
      return sum(s.slope.row(i), s.slope_after.row(i),
                 [v = s.noise.row(i)](std::size_t j) { return double(v[j]); });
    }
    return sum(s.gradient.row(i), s.at.out(1).row(i),
               [x = s.position.row(i), y = s.proposal.row(i)](std::size_t j) {
                 return double(y[j]) - double(x[j]);
               });
  }

  std::size_t dim_;
  Options options_;
  ad::Batched value_and_grad_;
};
static_assert(Preconditioned<Mala>);

}  // namespace eqp::mcmc
