#pragma once

#include <vector>

#include "mcmc/weights.hpp"

// Small kernels of the usual kinds, right or with an error planted: what checks must find.
namespace eqp::mcmc::test {

enum class Flaw {
  none,
  mala_drift_sign,        // the correction takes the drift to be uphill
  mala_no_correction,     // accepts as if the proposal were symmetric
  hmc_no_kinetic,         // accepts by the energies alone
  hmc_kinetic_sign,       // loses kinetic energy where it gains it
  hmc_stale_gradient,     // keeps the old gradient after a move
  walk_accept_sign,       // accepts uphill
  scan,                   // none: coordinate by coordinate in a fixed order, not reversible
  independent_reversed,   // w(x) / w(y)
  isir_weight_sign,       // log w = +U + log q
  isir_forgets_proposal,  // log w = -U
  tempering_swap_sign,    // exchanges by exp of minus what it should be
};

/// Metropolis kernels of one chain after the other; the error is in `step`.
class PlantedLocal {
 public:
  struct State {
    ad::Workspace at;
    ad::Tensor position, gradient, proposal, momentum;
    std::vector<double> energy;
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
  };
  using Step = void (*)(State&, const ad::BlockRng&, Flaw);

  PlantedLocal(const Energy& energy, std::size_t dim, Step move, Flaw flaw)
      : program_(value_and_grad(energy, dim)), step_(move), flaw_(flaw) {}
  std::size_t block(std::size_t chains) const { return program_.block(chains); }
  State init(ad::ConstView x0, std::size_t = 0) const {
    State s{program_.workspace(x0.rows()), ad::Tensor(x0),       ad::Tensor(x0.shape),
            ad::Tensor(x0.shape),          ad::Tensor(x0.shape), std::vector<double>(x0.rows())};
    refresh(s);
    return s;
  }
  void refresh(State& s) const { cache_energy_and_gradient(s); }
  void step(State& s, const ad::BlockRng& rng) const { step_(s, rng, flaw_); }

 private:
  ad::Batched program_;
  Step step_;
  Flaw flaw_;
};
static_assert(Kernel<PlantedLocal>);

/// Moves chain i to its proposal, at which `at` was evaluated last.
inline void take(PlantedLocal::State& s, std::size_t i, bool with_gradient = true) {
  s.energy[i] = s.at.out(0)[i];
  std::ranges::copy(s.proposal.row(i), s.position.row(i).begin());
  if (with_gradient) std::ranges::copy(s.at.out(1).row(i), s.gradient.row(i).begin());
}

inline void mala_step(PlantedLocal::State& s, const ad::BlockRng& rng, Flaw flaw) {
  const double h = 0.4;
  rng.normal(s.momentum);
  for (std::size_t k = 0; k < s.proposal.size(); ++k) {
    s.proposal[k] =
        Real(s.position[k] - h * s.gradient[k] + std::sqrt(2 * h) * double(s.momentum[k]));
  }
  evaluate(s.at, s.proposal);
  const double downhill = flaw == Flaw::mala_drift_sign ? -h : h;
  for (std::size_t i = 0; i < s.energy.size(); ++i) {
    double there = 0, back = 0;  // squared distances from the two drifted points
    for (std::size_t j = 0; j < s.position.cols(); ++j) {
      const double move = double(s.proposal(i, j)) - s.position(i, j);
      there += std::pow(move + downhill * s.gradient(i, j), 2);
      back += std::pow(-move + downhill * s.at.out(1)(i, j), 2);
    }
    const double correction = flaw == Flaw::mala_no_correction ? 0 : (there - back) / (4 * h);
    if (metropolis(s.energy[i], s.at.out(0)[i], correction, rng, i, s.counts)) take(s, i);
  }
}

inline void hmc_step(PlantedLocal::State& s, const ad::BlockRng& rng, Flaw flaw) {
  const double h = 0.6;
  const auto kinetic = [&](std::size_t i) {
    double sum = 0;
    for (const Real v : s.momentum.row(i)) sum += 0.5 * double(v) * double(v);
    return sum;
  };
  const auto kick = [&](ad::ConstView gradient, double time) {
    for (std::size_t k = 0; k < gradient.size(); ++k) s.momentum[k] -= Real(time) * gradient[k];
  };
  rng.normal(s.momentum);
  std::vector<double> start(s.energy.size());
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = kinetic(i);
  std::ranges::copy(s.position.flat(), s.proposal.flat().begin());
  kick(s.gradient, h / 2);
  for (int leap = 1; leap <= 3; ++leap) {
    for (std::size_t k = 0; k < s.proposal.size(); ++k) s.proposal[k] += Real(h) * s.momentum[k];
    evaluate(s.at, s.proposal);
    kick(s.at.out(1), leap < 3 ? h : h / 2);
  }
  for (std::size_t i = 0; i < s.energy.size(); ++i) {
    double lost = start[i] - kinetic(i);
    if (flaw == Flaw::hmc_no_kinetic) lost = 0;
    if (flaw == Flaw::hmc_kinetic_sign) lost = -lost;
    if (!metropolis(s.energy[i], s.at.out(0)[i], lost, rng, i, s.counts)) continue;
    take(s, i, flaw != Flaw::hmc_stale_gradient);
  }
}

/// Random-walk Metropolis, or twice along every coordinate in turn.
inline void walk_step(PlantedLocal::State& s, const ad::BlockRng& rng, Flaw flaw) {
  const std::size_t d = s.position.cols(), parts = flaw == Flaw::scan ? 2 * d : 1;
  for (std::size_t part = 0; part < parts; ++part) {
    const ad::BlockRng own = rng.fork(std::uint32_t(part));
    own.normal(s.momentum);
    for (std::size_t k = 0; k < s.proposal.size(); ++k) {
      const bool moves = flaw != Flaw::scan || k % d == part / 2;
      s.proposal[k] = s.position[k] + (moves ? Real(1.5) * s.momentum[k] : Real(0));
    }
    evaluate(s.at, s.proposal);
    for (std::size_t i = 0; i < s.energy.size(); ++i) {
      const double from = s.energy[i], to = s.at.out(0)[i];
      const bool uphill = flaw == Flaw::walk_accept_sign;
      if (metropolis(uphill ? to : from, uphill ? from : to, 0, own, i, s.counts)) take(s, i);
    }
  }
}

/// Independent Metropolis-Hastings, or i-SIR with 5 particles.
class PlantedIndependent {
 public:
  struct State {
    ad::Workspace at, fresh;
    ad::Tensor position;
    std::vector<double> log_weight;
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
  };

  PlantedIndependent(const Energy& energy, const Proposal& proposal, std::size_t particles,
                     Flaw flaw)
      : current_(current_weight(energy, proposal)),
        fresh_(fresh_weight(energy, proposal)),
        particles_(particles),
        flaw_(flaw) {}
  std::size_t block(std::size_t chains) const { return current_.block(chains); }
  State init(ad::ConstView x0, std::size_t = 0) const {
    State s{current_.workspace(x0.rows()), fresh_.workspace(x0.rows() * (particles_ - 1)),
            ad::Tensor(x0), std::vector<double>(x0.rows())};
    refresh(s);
    return s;
  }
  void refresh(State& s) const {
    evaluate(s.at, s.position);
    for (std::size_t i = 0; i < s.log_weight.size(); ++i) {
      s.log_weight[i] = weight(s.at.out(0)[i], s.at.out(1)[i]);
    }
  }
  void step(State& s, const ad::BlockRng& rng) const {
    const std::size_t n = s.log_weight.size(), fresh = particles_ - 1;
    rng.normal({s.fresh.in(0).data, {n, fresh * s.position.cols()}});
    s.fresh.run();
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<double> w{s.log_weight[i]};
      for (std::size_t k = i * fresh; k < (i + 1) * fresh; ++k) {
        w.push_back(weight(s.fresh.out(1)[k], s.fresh.out(2)[k]));
      }
      const std::size_t k = particles_ == 2 ? accept(w, rng.uniform(i)) : pick(w, rng.uniform(i));
      if (k == 0) continue;
      s.log_weight[i] = w[k];
      std::ranges::copy(s.fresh.out(0).row(i * fresh + k - 1), s.position.row(i).begin());
    }
  }

 private:
  double weight(double energy, double log_q) const {
    if (flaw_ == Flaw::isir_forgets_proposal) return -energy;
    return flaw_ == Flaw::isir_weight_sign ? energy + log_q : -energy - log_q;
  }
  std::size_t accept(const std::vector<double>& w, double u) const {
    const double ratio = std::exp(flaw_ == Flaw::independent_reversed ? w[0] - w[1] : w[1] - w[0]);
    return u < ratio;
  }
  static std::size_t pick(std::vector<double> w, double u) {
    const double top = std::ranges::max(w);
    double sum = 0;
    for (double& v : w) sum += v = std::exp(v - top);
    std::size_t k = 0;
    for (double target = u * sum; k + 1 < w.size() && target >= w[k]; ++k) target -= w[k];
    return k;
  }

  ad::Batched current_, fresh_;
  std::size_t particles_;
  Flaw flaw_;
};
static_assert(Kernel<PlantedIndependent>);

}  // namespace eqp::mcmc::test
