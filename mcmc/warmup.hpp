#pragma once

#include <cstdint>
#include <functional>
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

/// The covariance of rows that come one by one (Welford 1962), in double.
class Moments {
 public:
  Moments(Metric::Kind kind, std::size_t dim);
  /// x (n, d), rows in order.
  void add(ad::ConstView x);
  /// What Stan makes of n rows: their covariance times n / (n + 5), plus 1e-3 * 5 / (n + 5) in the
  /// diagonal. Rows of all chains count, correlated or not. The diagonal alone if that is not
  /// positive definite in double. Needs at least 2 rows.
  Metric metric() const;

 private:
  Metric::Kind kind_;
  std::size_t dim_, count_ = 0;
  std::vector<double> mean_, change_;  // (d)
  std::vector<double> squares_;        // sums of products of deviations, (d) or lower (d, d)
};

/// Doubles or halves a step size until the mean acceptance of a leapfrog step crosses 0.8 (Hoffman
/// & Gelman 2014, algorithm 4, over all chains). accept(h, trial) is that acceptance.
double find_step_size(double step_size,
                      const std::function<double(double h, std::uint32_t trial)>& accept);

/// Runs `steps` steps from step 0 and leaves the kernel with an adapted step size and, if it has
/// one, metric. Ends early once stop() is true.
template <Adaptable K>
void warm_up(K& kernel, Chains<K>& chains, const WarmupOptions& options, std::uint32_t steps,
             ad::Key key, const std::function<bool()>& stop) {
  std::uint32_t trials = 0;
  const ad::Key search = key.fork(0x5eac);
  const auto averaging_from_here = [&] {
    if constexpr (Hamiltonian<K>) {
      kernel.step_size() = find_step_size(kernel.step_size(), [&](double h, std::uint32_t) {
        kernel.step_size() = h;
        return chains.mean(search, trials++, [&](auto& state, const ad::BlockRng& rng) {
          return kernel.try_leapfrog(state, rng);
        });
      });
    }
    return DualAveraging({.target = options.target_accept}, kernel.step_size());
  };
  const Windows plan = windows(options, steps);
  auto window = plan.sizes.begin();
  std::uint32_t window_ends = plan.first + (plan.sizes.empty() ? 0 : *window);
  DualAveraging averaging = averaging_from_here();
  Moments moments(options.metric, chains.dim());
  for (std::uint32_t t = 0; t < steps && !stop(); ++t) {
    chains.reset_counts();
    chains.advance(kernel, t, 1, key);
    const Counts counts = chains.counts();
    if (counts.proposed > 0) kernel.step_size() = averaging.update(counts.rate());
    if constexpr (Preconditioned<K>) {
      if (options.metric == Metric::Kind::unit) continue;
      if (t < plan.first || window == plan.sizes.end()) continue;
      moments.add(chains.positions());
      if (t + 1 < window_ends) continue;
      kernel.metric() = moments.metric();
      moments = Moments(options.metric, chains.dim());
      averaging = averaging_from_here();
      if (++window != plan.sizes.end()) window_ends += *window;
    }
  }
  kernel.step_size() = averaging.averaged();
}

}  // namespace eqp::mcmc
