#pragma once

#include <functional>
#include <memory>
#include <sstream>
#include <vector>

#include "mcmc/adapt.hpp"
#include "mcmc/ladder.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {

/// Parallel tempering, or replica exchange (Geyer 1991), with the non-reversible swaps of Syed et
/// al. (2022): every chain is N + 1 replicas at inverse temperatures 1 = beta_0 > ... > beta_N on
/// the path exp(-beta U), or base^(1 - beta) exp(-beta U), of which x() is the one at beta_0. A
/// step is local moves of all, swaps of the pairs (0, 1), (2, 3), ..., local moves again and swaps
/// of (1, 2), (3, 4), ...; a swap of neighbours x, y is accepted with probability
///   min(1, exp((beta_k - beta_{k+1}) (V(x) - V(y)))),  V = U, or U + log base.
/// Exact for any ladder, with local kernels that are.
///
/// Each temperature has a local kernel of its own, compiled once, with its own step size; beta is a
/// parameter of its program. While `run` warms up, step sizes adapt per temperature, and the
/// ladder, its ends apart, until neighbours reject equally often; both are frozen afterwards.
///
/// counts: acceptance of local moves at beta_0; gradients and what was not finite of all.
template <Kernel Local>
class ParallelTempering {
 public:
  /// A local kernel for an energy; beta, where the ladder begins, tells how large its steps may be.
  using Make = std::function<Local(const Energy& tempered, double beta)>;
  struct Options {
    std::vector<double> betas = geometric_ladder(0.01, 8);
    std::uint32_t local_steps = 5;  // before each of the two rounds of swaps of a step
    /// A density of dim > 0 to temper towards; at beta = 0 it is drawn from anew in every round.
    Proposal base = {};
    bool adapt_ladder = true;  // during warm-up
  };
  struct State {
    std::vector<typename Local::State> local;  // by temperature, coldest first
    std::vector<char> stale;                   // whose positions were swapped since (N + 1)
    ad::Workspace tilt;                        // in: positions  out: V (n)
    ad::Workspace fresh;                       // in: normals  out: base draws; unless beta_N > 0
    std::vector<double> energy;                // V (N + 1, n)
    Replicas replicas;
    Swaps swaps;
    Counts counts = {};
    ad::View x() { return local.front().x(); }
    ad::ConstView x() const { return local.front().x(); }
    void archive(ad::Archive& a) requires Resumable<Local> {
      for (std::size_t k = 0; k < local.size(); ++k) a("local." + std::to_string(k), local[k]);
      a("stale", std::span(stale));
      a("energy", std::span(energy));
      a("replicas", replicas);
      a("swaps", swaps);
      a("counts", counts);
    }
    void reset_counts() {
      counts = {};
      swaps = Swaps(swaps.accepted.size());
      for (auto& s : local) s.counts = {};
    }
  };

  /// Throws std::invalid_argument as check_ladder does.
  ParallelTempering(const Energy& energy, std::size_t dim, Make make, Options options)
      : energy_(energy), dim_(dim), make_(std::move(make)), options_(std::move(options)) {
    check_ladder(options_.betas, dim, options_.base.dim);
    params_->add("betas", {options_.betas.size()}, [](std::span<Real>) {});
    set_betas(options_.betas);
    for (const double beta : options_.betas) {
      locals_.push_back(make_(size() == 0 ? energy : tempered(size()),
                              beta > 0 ? beta : options_.betas[size() - 1]));
    }
    const auto log_base = options_.base.log_prob;
    tilt_ = value([=](ad::Var x) { return log_base ? energy(x) + log_base(x) : energy(x); }, dim);
    if (draws_hottest()) {
      fresh_ = {{ad::Shape{options_.base.noise_dim}},
                [sample = options_.base.sample](std::span<const ad::Var> in) -> ad::Vars {
                  return {sample(in[0]).first};
                }};
    }
  }
  /// Copies make local kernels of their own, with the step sizes and the ladder reached.
  ParallelTempering(const ParallelTempering& other)
      : ParallelTempering(other.energy_, other.dim_, other.make_, other.options_) {
    set_betas(other.betas());
    adapter_ = other.adapter_;
    if constexpr (Adaptable<Local>) {
      for (std::size_t k = 0; k < size(); ++k) locals_[k].step_size() = other.step_sizes()[k];
    }
  }
  ParallelTempering(ParallelTempering&&) = default;
  ParallelTempering& operator=(ParallelTempering&&) = default;

  std::size_t size() const { return locals_.size(); }
  std::vector<double> betas() const { return {params_->values().begin(), params_->values().end()}; }
  std::vector<double> step_sizes() const requires Adaptable<Local> {
    std::vector<double> steps;
    for (Local local : locals_) steps.push_back(local.step_size());
    return steps;
  }

  std::size_t block(std::size_t chains) const { return locals_.front().block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    State s;
    for (const Local& local : locals_) s.local.push_back(local.init(x0, first_chain));
    s.stale.assign(size(), false);
    s.tilt = tilt_.workspace(x0.rows());
    if (draws_hottest()) s.fresh = fresh_.workspace(x0.rows());
    s.energy.resize(size() * x0.rows());
    s.replicas = Replicas(x0.rows(), size());
    s.swaps = Swaps(size() - 1);
    return s;
  }

  /// Of a written x() the other temperatures know nothing until it is swapped with them.
  void refresh(State& s) const {
    for (std::size_t k = 0; k < size(); ++k) {
      at_temperature(k, [&] { locals_[k].refresh(s.local[k]); });
      s.stale[k] = false;
    }
  }

  void step(State& s, const ad::BlockRng& rng) const {
    for (const std::size_t first : {0, 1}) {
      explore(s, rng.fork(std::uint32_t(first)));
      swap(s, first, rng.fork(std::uint32_t(2 + first)));
    }
    s.swaps.proposed += double(s.x().rows());
  }

  /// One decision about every step size, from the acceptance since counts were reset.
  void adapt(std::span<const State> states,
             const StepSizeAdapter& adapter) requires Adaptable<Local> {
    for (std::size_t k = 0; k < size(); ++k) {
      const Counts counts = counts_at(states, k);
      if (counts.proposed > 0) adapter.update(locals_[k].step_size(), counts.rate());
    }
  }
  void adapt_ladder(std::span<const State> states) {
    if (options_.adapt_ladder) set_betas(adapter_.update(betas(), swaps_of(states)));
  }

  /// What adapts: step sizes and the ladder.
  void archive(ad::Archive& a) {
    if constexpr (Adaptable<Local>) {
      for (std::size_t k = 0; k < size(); ++k) {
        a("step_size." + std::to_string(k), locals_[k].step_size());
      }
    }
    a("betas", *params_);
    a("adapter", adapter_);
  }

  /// What happened since counts were reset.
  LadderReport report(std::span<const State> states) const {
    LadderReport r = mcmc::report(betas(), swaps_of(states));
    for (std::size_t k = 0; k < size(); ++k) r.acceptance.push_back(counts_at(states, k).rate());
    if constexpr (Adaptable<Local>) r.step_sizes = step_sizes();
    return r;
  }

 private:
  bool draws_hottest() const { return options_.betas.back() == 0; }

  /// exp(-beta_k U) base^(1 - beta_k) as an energy, beta_k a parameter.
  Energy tempered(std::size_t k) const {
    return [u = energy_, log_base = options_.base.log_prob, params = params_, k](ad::Var x) {
      const ad::Var beta = x.tape->parameter(*params, k, {1});
      return log_base ? beta * u(x) - (1 - beta) * log_base(x) : beta * u(x);
    };
  }

  /// Runs f, whose error then tells the temperature.
  template <class F>
  void at_temperature(std::size_t k, const F& f) const {
    try {
      f();
    } catch (const ad::NonFinite& e) {
      throw ad::NonFinite((std::ostringstream() << "ParallelTempering: beta "
                                                << params_->values()[k] << ": " << e.what())
                              .str(),
                          e.origin, e.row);
    }
  }

  void explore(State& s, const ad::BlockRng& rng) const {
    for (std::size_t k = 0; k < size(); ++k) {
      typename Local::State& local = s.local[k];
      const ad::BlockRng own = rng.fork(std::uint32_t(k));
      if (k + 1 == size() && draws_hottest()) {
        own.normal(s.fresh.in(0));
        s.fresh.run();
        std::ranges::copy(s.fresh.out(0).flat(), local.x().data);
        continue;
      }
      const Counts before = local.counts;
      at_temperature(k, [&] {
        if (s.stale[k]) locals_[k].refresh(local);
        s.stale[k] = false;
        for (std::uint32_t t = 0; t < options_.local_steps; ++t) {
          locals_[k].step(local, own.fork(t));
        }
      });
      s.counts.gradients += local.counts.gradients - before.gradients;
      s.counts.not_finite += local.counts.not_finite - before.not_finite;
      s.counts.nan += local.counts.nan - before.nan;
      if (k > 0) continue;
      s.counts.accepted += local.counts.accepted - before.accepted;
      s.counts.proposed += local.counts.proposed - before.proposed;
    }
  }

  /// Swaps the pairs (first, first + 1), (first + 2, first + 3), ...
  void swap(State& s, std::size_t first, const ad::BlockRng& rng) const {
    const std::size_t n = s.x().rows();
    const std::span<const Real> beta = params_->values();
    for (std::size_t k = first; k + 1 < size(); k += 2) {
      double *cold = &s.energy[k * n], *hot = cold + n;
      tilt(s, k, cold);
      tilt(s, k + 1, hot);
      const double difference = double(beta[k]) - double(beta[k + 1]);
      for (std::size_t i = 0; i < n; ++i) {
        const double log_ratio = difference * (cold[i] - hot[i]);
        const double probability = std::isnan(log_ratio) ? 0 : std::min(1.0, std::exp(log_ratio));
        s.swaps.accepted[k] += probability;
        if (rng.uniform(i, std::uint32_t(k)) >= probability) continue;
        std::ranges::swap_ranges(s.local[k].x().row(i), s.local[k + 1].x().row(i));
        s.replicas.swap(i, k);
        s.stale[k] = s.stale[k + 1] = true;
      }
    }
    s.swaps.round_trips += s.replicas.end_round();
  }

  /// V of the replicas at temperature k.
  static void tilt(State& s, std::size_t k, double* to) {
    evaluate(s.tilt, s.local[k].x());
    std::ranges::copy(s.tilt.out(0).flat(), to);
  }

  static Swaps swaps_of(std::span<const State> states) {
    Swaps total(states.front().swaps.accepted.size());
    for (const State& s : states) total += s.swaps;
    return total;
  }
  static Counts counts_at(std::span<const State> states, std::size_t k) {
    Counts total;
    for (const State& s : states) total += s.local[k].counts;
    return total;
  }

  void set_betas(const std::vector<double>& betas) {
    std::ranges::transform(betas, params_->mutate().begin(), [](double b) { return Real(b); });
  }

  Energy energy_;
  std::size_t dim_;
  Make make_;
  Options options_;
  std::shared_ptr<ad::Params> params_ = std::make_shared<ad::Params>();  // the betas
  std::vector<Local> locals_;
  ad::Batched tilt_, fresh_;
  LadderAdapter adapter_;
};

}  // namespace eqp::mcmc
