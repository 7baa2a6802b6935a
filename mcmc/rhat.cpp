#include "mcmc/rhat.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autodiff/parallel.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double rhat_of(const ChainValues& halves) {
  const auto [within, total] = variances(halves);
  return std::sqrt(total / within);
}

}  // namespace

double split_rhat(const ChainValues& x) {
  const ChainValues halves = split(x);
  return all_finite(x) ? rhat_of(halves) : kNan;
}

double rank_rhat(const ChainValues& x) {
  const ChainValues halves = split(x);
  return all_finite(x) ? rhat_of(normal_scores(halves)) : kNan;
}

double folded_rhat(const ChainValues& x) {
  const ChainValues halves = split(x);
  return all_finite(x) ? rhat_of(normal_scores(folded(halves))) : kNan;
}

double rhat(const ChainValues& x) {
  const double location = rank_rhat(x), scale = folded_rhat(x);
  // Without a scale to compare it is the location; equal draws have no location either.
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

}  // namespace eqp::mcmc
