#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "mcmc/chains.hpp"

// Adapting a step size and a metric before anything is recorded, as Stan does, from all chains
// together. Adapting is not Markovian: both are frozen afterwards.
namespace eqp::mcmc {

/// Drives a step size towards a target acceptance by dual averaging (Nesterov 2009; Hoffman &
/// Gelman 2014, section 3.2).
class DualAveraging {
 public:
  struct Options {
    double target = 0.8;
    double gamma = 0.05, t0 = 10, kappa = 0.75;  // Stan's
  };
  /// Starts from a step size h, and is drawn towards 10 h. Throws std::invalid_argument unless 0 <
  /// target < 1.
  DualAveraging(Options options, double step_size);
  /// The step size to go on with, after one with this mean acceptance.
  double update(double acceptance);
  /// The step size to freeze: a weighted average of log h, in which late ones count most.
  double averaged() const;
  void archive(ad::Archive& a) {
    a("mu", mu_);
    a("mean_error", mean_error_);
    a("log_averaged", log_averaged_);
    a("count", count_);
  }

 private:
  Options options_;
  double mu_, mean_error_ = 0, log_averaged_ = 0;
  double count_ = 0;
};

/// When a metric is estimated: not in `first` steps, in which chains find the target, nor in `last`
/// ones, in which only the step size settles; in between at the end of each window, from its steps.
struct Windows {
  std::uint32_t first;
  std::vector<std::uint32_t> sizes;
  std::uint32_t last;
};

struct WarmupOptions {
  double target_accept = 0.8;
  /// What to estimate; the kernel's metric stays as it is for Kind::unit.
  Metric::Kind metric = Metric::Kind::diagonal;
  // Steps of the windows; each is twice as long as the one before it. Windows may be shorter for
  // many chains, since they are of all chains together.
  std::uint32_t first = 75, window = 25, last = 50;
};

/// Throws std::invalid_argument naming the option that makes no sense.
void check(const WarmupOptions& options);

/// Stan's schedule: windows of doubling length, the last one stretched if another would not fit. Of
/// too few steps, 15 % come first, 10 % last and 75 % are one window; fewer than 20 estimate no
/// metric.
Windows windows(const WarmupOptions& options, std::uint32_t warmup);

/// The covariance of chains about their own means, of positions that come step by step (Welford
/// 1962), in double. How far chains are from each other tells nothing as long as they have not
/// mixed: it would stretch the metric along where they began.
class WindowMoments {
 public:
  WindowMoments(Metric::Kind kind, std::size_t chains, std::size_t dim);
  /// One more step of all chains.  x (chains, d)
  void add(ad::ConstView x);
  /// What Stan makes of n positions: their covariance times n / (n + 5), plus 1e-3 * 5 / (n + 5) in
  /// the diagonal; here n are those of all chains, correlated or not. The diagonal alone if that is
  /// not positive definite in double. Needs at least 2 steps.
  Metric metric() const;
  void archive(ad::Archive& a) {
    a("steps", steps_);
    a("mean", std::span(mean_));
    a("squares", std::span(squares_));
  }

 private:
  Metric::Kind kind_;
  std::size_t chains_, dim_, steps_ = 0;
  std::vector<double> mean_;     // (chains, d)
  std::vector<double> change_;   // (d)
  std::vector<double> squares_;  // sums of products of deviations, (d) or lower (d, d)
};

/// Doubles or halves a step size until the mean acceptance of a leapfrog step crosses 0.8 (Hoffman
/// & Gelman 2014, algorithm 4, over all chains). accept(h, trial) is that acceptance.
double find_step_size(double step_size,
                      const std::function<double(double h, std::uint32_t trial)>& accept);

/// The adaptation of a kernel's step size and, if it has one, of its metric, between the steps of a
/// warm-up.
template <Adaptable K>
class Warmup {
 public:
  /// For a warm-up of `steps` steps, of which the first is step 0, of positions x (chains, d).
  Warmup(const WarmupOptions& options, std::uint32_t steps, ad::Key key, const ad::Shape& x)
      : options_(options),
        plan_(windows(options, steps)),
        settles_(adapts_metric() ? steps - plan_.last : std::min(plan_.first, steps / 2)),
        search_(key.fork(0x5eac)),
        moments_(options.metric, x[0], x[1]) {}

  /// Before step t.
  void before(K& kernel, Chains<K>& chains, std::uint32_t t) {
    if (t == 0) restart(kernel, chains);
  }

  /// After step t, whose counts the chains have.
  void after(K& kernel, Chains<K>& chains, std::uint32_t t) {
    const double acceptance = t < settles_ ? harmonic_mean(chains) : chains.counts().rate();
    if (chains.counts().proposed > 0) kernel.step_size() = averaging_.update(acceptance);
    bool begins_anew = t + 1 == settles_;
    if constexpr (Preconditioned<K>) {
      const auto [in_window, ends] = place(t);
      if (adapts_metric() && in_window) {
        moments_.add(chains.positions());
        if (ends) {
          kernel.metric() = moments_.metric();
          moments_ = WindowMoments(options_.metric, chains.size(), chains.dim());
          begins_anew = true;
        }
      }
    }
    if (begins_anew) restart(kernel, chains);
  }

  void freeze(K& kernel) { kernel.step_size() = averaging_.averaged(); }

  void archive(ad::Archive& a) {
    a("averaging", averaging_);
    a("moments", moments_);
    a("trials", trials_);
  }

 private:
  /// Dual averaging from a step size that is about right for the metric.
  void restart(K& kernel, Chains<K>& chains) {
    if constexpr (Hamiltonian<K>) {
      kernel.step_size() = find_step_size(kernel.step_size(), [&](double h, std::uint32_t) {
        kernel.step_size() = h;
        return chains.mean(search_, trials_++, [&](auto& state, const ad::BlockRng& rng) {
          return kernel.try_leapfrog(state, rng);
        });
      });
    }
    averaging_ = DualAveraging({.target = options_.target_accept}, kernel.step_size());
  }

  bool adapts_metric() const {
    return Preconditioned<K> && options_.metric != Metric::Kind::unit && !plan_.sizes.empty();
  }

  /// Of the chains' acceptance, which is small if it is for one of them: a chain that begins where
  /// steps must be tiny is not left there because the others are well (Hoffman, Radul & Sountsov
  /// 2021, section 3.3). The mean where kernels tell nothing of single chains.
  static double harmonic_mean(Chains<K>& chains) {
    if constexpr (HasTransitions<K>) {
      return 1 / chains.mean({}, 0, [](const auto& state, const ad::BlockRng&) {
        constexpr double kLeast = 1e-3;
        double sum = 0;
        for (const Transition& t : state.transitions()) sum += 1 / std::max(t.accept, kLeast);
        return sum;
      });
    } else {
      return chains.counts().rate();
    }
  }

  /// Whether step t is in a window, and whether it is the last one of it.
  std::pair<bool, bool> place(std::uint32_t t) const {
    std::uint32_t end = plan_.first;
    for (const std::uint32_t size : plan_.sizes) {
      if (t >= end && t < end + size) return {true, t + 1 == end + size};
      end += size;
    }
    return {false, false};
  }

  WarmupOptions options_;
  Windows plan_;
  std::uint32_t settles_;  // the step from which the mean acceptance counts
  ad::Key search_;
  DualAveraging averaging_{{}, 1};
  WindowMoments moments_;
  std::uint32_t trials_ = 0;
};

/// Of a kernel that has nothing to adapt.
struct NoWarmup {};
template <class K>
struct WarmupFor {
  using type = NoWarmup;
};
template <Adaptable K>
struct WarmupFor<K> {
  using type = Warmup<K>;
};
template <class K>
using WarmupOf = typename WarmupFor<K>::type;

}  // namespace eqp::mcmc
