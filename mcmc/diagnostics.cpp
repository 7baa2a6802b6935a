#include "mcmc/diagnostics.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

#include "autodiff/parallel.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool finite(const ChainValues& x) {
  return std::ranges::all_of(x.values, [](double v) { return std::isfinite(v); });
}

struct Moments {
  double mean, variance;  // variance with n - 1
};

/// Relative to the first value, so that equal values have variance 0 and not a rounding error.
Moments moments(std::span<const double> x) {
  const double n = static_cast<double>(x.size());
  double shift = 0, squares = 0;
  for (const double v : x) shift += (v - x[0]) / n;
  for (const double v : x) squares += (v - x[0] - shift) * (v - x[0] - shift);
  return {x[0] + shift, squares / (n - 1)};
}

/// The first and the second half of every chain, as chains of their own.
ChainValues split(const ChainValues& x) {
  if (x.chains == 0 || x.draws < 4) {
    throw std::invalid_argument("diagnostics: " + std::to_string(x.chains) + " chains of " +
                                std::to_string(x.draws) + " draws; need at least 1 chain of 4");
  }
  ChainValues halves{2 * x.chains, x.draws / 2, {}};
  for (std::size_t c = 0; c < x.chains; ++c) {
    const auto chain = x.chain(c), first = chain.first(halves.draws),
               last = chain.last(halves.draws);
    halves.values.insert(halves.values.end(), first.begin(), first.end());
    halves.values.insert(halves.values.end(), last.begin(), last.end());
  }
  return halves;
}

/// W, and the estimate (n-1)/n W + B/n of the variance of the target.
struct Variances {
  double within, total;
};

Variances variances(const ChainValues& x) {
  std::vector<double> means(x.chains);
  double within = 0;
  for (std::size_t c = 0; c < x.chains; ++c) {
    const Moments m = moments(x.chain(c));
    means[c] = m.mean;
    within += m.variance / static_cast<double>(x.chains);
  }
  const double n = static_cast<double>(x.draws);
  return {within, (n - 1) / n * within + moments(means).variance};
}

double rhat_of(const ChainValues& halves) {
  const auto [within, total] = variances(halves);
  return std::sqrt(total / within);
}

/// Phi^-1((rank - 3/8) / (S + 1/4)), ties sharing their mean rank (Blom; Vehtari et al. 2021).
ChainValues normal_scores(const ChainValues& x) {
  const std::size_t size = x.values.size();
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::ranges::sort(order, {}, [&](std::size_t i) { return x.values[i]; });
  ChainValues scores = x;
  for (std::size_t first = 0, end = 0; first < size; first = end) {
    while (end < size && x.values[order[end]] == x.values[order[first]]) ++end;
    const double rank = static_cast<double>(first + 1 + end) / 2;
    const double p = (rank - 0.375) / (static_cast<double>(size) + 0.25);
    const double score = -std::numbers::sqrt2 * boost::math::erfc_inv(2 * p);
    for (std::size_t k = first; k < end; ++k) scores.values[order[k]] = score;
  }
  return scores;
}

/// |x - median|: turns a difference in scale into one in location.
ChainValues folded(ChainValues x) {
  std::vector<double> sorted = x.values;
  std::ranges::sort(sorted);
  const std::size_t size = sorted.size();
  const double median = (sorted[(size - 1) / 2] + sorted[size / 2]) / 2;
  for (double& v : x.values) v = std::abs(v - median);
  return x;
}

/// 1/n sum_t (x_t - mean)(x_{t+lag} - mean), averaged over the chains.
double autocovariance(const ChainValues& x, std::span<const double> means, std::size_t lag) {
  double sum = 0;
  for (std::size_t c = 0; c < x.chains; ++c) {
    const auto chain = x.chain(c);
    for (std::size_t t = 0; t + lag < x.draws; ++t)
      sum += (chain[t] - means[c]) * (chain[t + lag] - means[c]);
  }
  return sum / static_cast<double>(x.values.size());
}

double ess_of(const ChainValues& halves) {
  const auto [within, total] = variances(halves);
  if (!(total > 0)) return kNan;
  std::vector<double> means(halves.chains);
  for (std::size_t c = 0; c < halves.chains; ++c) means[c] = moments(halves.chain(c)).mean;
  const auto rho = [&, w = within, v = total](std::size_t lag) {
    return lag == 0 ? 1.0 : 1 - (w - autocovariance(halves, means, lag)) / v;
  };
  // Pairs of neighbouring lags are positive and decrease for a reversible chain: stop at the first
  // that is not positive, and let none exceed the one before. The even half of the last pair
  // improves antithetic chains.
  double tau = -1, bound = std::numeric_limits<double>::infinity();
  for (std::size_t lag = 0;; lag += 2) {
    const double even = rho(lag), pair = even + rho(lag + 1);
    if (pair <= 0 || lag + 4 >= halves.draws) {
      tau += std::max(even, 0.0);
      break;
    }
    bound = std::min(bound, pair);
    tau += 2 * bound;
  }
  const double size = static_cast<double>(halves.values.size());
  return size / std::max(tau, 1 / std::log10(size));
}

}  // namespace

ChainValues coordinate(ad::ConstView draws, std::size_t j) {
  const std::size_t rank = draws.shape.rank(), d = rank == 3 ? draws.shape[2] : 1;
  if (rank < 2 || rank > 3 || j >= d) {
    throw std::invalid_argument("coordinate: number " + std::to_string(j) + " of draws " +
                                str(draws.shape) +
                                "; need (chains, draws, d) and a number below d");
  }
  ChainValues x{draws.shape[0], draws.shape[1],
                std::vector<double>(draws.shape[0] * draws.shape[1])};
  for (std::size_t i = 0; i < x.values.size(); ++i)
    x.values[i] = static_cast<double>(draws[i * d + j]);
  return x;
}

double split_rhat(const ChainValues& x) {
  const ChainValues halves = split(x);
  return finite(x) ? rhat_of(halves) : kNan;
}

double rhat(const ChainValues& x) {
  const ChainValues halves = split(x);
  if (!finite(x)) return kNan;
  const double location = rhat_of(normal_scores(halves)),
               scale = rhat_of(normal_scores(folded(halves)));
  // Draws on two points around the median have no scale to compare; equal draws no location either.
  return std::isnan(scale) ? location : std::max(location, scale);
}

double max_rhat(ad::ConstView draws) {
  // At least one, so that coordinate() refuses draws without coordinates.
  std::vector<double> values(draws.shape.rank() == 3 ? std::max<std::size_t>(1, draws.shape[2])
                                                     : 1);
  ad::parallel_for(values.size(), [&](std::size_t j) { values[j] = rhat(coordinate(draws, j)); });
  double largest = 0;
  for (const double v : values) {
    if (std::isnan(v)) return v;
    largest = std::max(largest, v);
  }
  return largest;
}

double ess_mean(const ChainValues& x) {
  const ChainValues halves = split(x);
  return finite(x) ? ess_of(halves) : kNan;
}

double ess_bulk(const ChainValues& x) {
  const ChainValues halves = split(x);
  return finite(x) ? ess_of(normal_scores(halves)) : kNan;
}

double mcse_mean(const ChainValues& x) {
  const double ess = ess_mean(x);  // first: refuses chains that have no moments
  return std::sqrt(moments(x.values).variance / ess);
}

double importance_ess(std::span<const double> log_weights) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double top = -kInfinity;
  for (const double a : log_weights) {
    if (std::isnan(a) || a == kInfinity) return kNan;
    top = std::max(top, a);
  }
  if (top == -kInfinity) return 0;
  double sum = 0, squares = 0;
  for (const double a : log_weights) {
    const double w = std::exp(a - top);
    sum += w;
    squares += w * w;
  }
  return sum * sum / squares;
}

double log_mean_exp(std::span<const double> a) {
  if (a.empty()) throw std::invalid_argument("log_mean_exp: no values; need at least 1");
  const double top = *std::ranges::max_element(a);
  double sum = 0;
  for (const double v : a) sum += std::exp(v - (std::isinf(top) ? 0 : top));
  return (std::isinf(top) ? 0 : top) + std::log(sum / static_cast<double>(a.size()));
}

}  // namespace eqp::mcmc
