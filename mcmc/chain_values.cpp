#include "mcmc/chain_values.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

namespace eqp::mcmc {
namespace {

// Boost's default computes in long double, several times as slow.
constexpr boost::math::policies::policy<boost::math::policies::promote_double<false>> kInDouble;

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

ChainValues part(const ChainValues& x, std::size_t first, std::size_t draws) {
  ChainValues some{x.chains, draws, {}};
  for (std::size_t c = 0; c < x.chains; ++c) {
    const auto values = x.chain(c).subspan(first, draws);
    some.values.insert(some.values.end(), values.begin(), values.end());
  }
  return some;
}

bool all_finite(const ChainValues& x) {
  return std::ranges::all_of(x.values, [](double v) { return std::isfinite(v); });
}

MeanVariance mean_variance(std::span<const double> x) {
  const double n = static_cast<double>(x.size());
  double shift = 0, squares = 0;
  for (const double v : x) shift += (v - x[0]) / n;
  for (const double v : x) squares += (v - x[0] - shift) * (v - x[0] - shift);
  return {x[0] + shift, squares / (n - 1)};
}

std::vector<double> sorted(std::vector<double> values) {
  std::ranges::sort(values);
  return values;
}

double quantile(std::span<const double> sorted, double p) {
  const double n = static_cast<double>(sorted.size());
  const double position = n * p + (1 - p);  // counted from 1
  const double below = std::clamp(std::floor(position), 1.0, std::max(n - 1, 1.0));
  const double weight = std::clamp(position - below, 0.0, 1.0);
  const std::size_t at = static_cast<std::size_t>(below) - 1;
  return (1 - weight) * sorted[at] + weight * sorted[std::min(at + 1, sorted.size() - 1)];
}

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
    const double score = -std::numbers::sqrt2 * boost::math::erfc_inv(2 * p, kInDouble);
    for (std::size_t k = first; k < end; ++k) scores.values[order[k]] = score;
  }
  return scores;
}

ChainValues folded(ChainValues x) {
  const std::vector<double> in_order = sorted(x.values);
  const std::size_t size = in_order.size();
  const double median = (in_order[(size - 1) / 2] + in_order[size / 2]) / 2;
  for (double& v : x.values) v = std::abs(v - median);
  return x;
}

Variances variances(const ChainValues& x) {
  std::vector<double> means(x.chains);
  double within = 0;
  for (std::size_t c = 0; c < x.chains; ++c) {
    const MeanVariance m = mean_variance(x.chain(c));
    means[c] = m.mean;
    within += m.variance / static_cast<double>(x.chains);
  }
  const double n = static_cast<double>(x.draws);
  return {within, (n - 1) / n * within + mean_variance(means).variance};
}

}  // namespace eqp::mcmc
