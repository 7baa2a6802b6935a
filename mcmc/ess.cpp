#include "mcmc/ess.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "mcmc/autocovariance.hpp"

namespace eqp::mcmc {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double ess_of(const ChainValues& halves) {
  const auto [within, total] = variances(halves);
  if (!(total > 0)) return kNan;
  const std::vector<double> covariance = autocovariance(halves);
  const auto rho = [&, w = within, v = total](std::size_t lag) {
    return lag == 0 ? 1.0 : 1 - (w - covariance[lag]) / v;
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

double ess_mean(const ChainValues& x) {
  const ChainValues halves = split(x);
  return all_finite(x) ? ess_of(halves) : kNan;
}

double ess_sd(const ChainValues& x) {
  ChainValues squares = x;
  const double mean = x.values.empty() ? 0 : mean_variance(x.values).mean;
  for (double& v : squares.values) v = (v - mean) * (v - mean);
  return ess_mean(squares);
}

double ess_bulk(const ChainValues& x) {
  const ChainValues halves = split(x);
  return all_finite(x) ? ess_of(normal_scores(halves)) : kNan;
}

double ess_quantile(const ChainValues& x, double p) {
  // NaN have no order; it will not be asked for.
  return ess_quantile(x, p, all_finite(x) ? sorted(x.values) : x.values);
}

double ess_quantile(const ChainValues& x, double p, std::span<const double> sorted) {
  if (!(p > 0 && p < 1)) {
    std::ostringstream text;
    text << "ess_quantile: p " << p << "; need a number between 0 and 1";
    throw std::invalid_argument(text.str());
  }
  if (x.values.empty() || !all_finite(x)) return ess_mean(x);
  const double at = quantile(sorted, p);
  ChainValues below = x;
  for (double& v : below.values) v = v <= at;
  return ess_mean(below);
}

double ess_tail(const ChainValues& x) {
  // fmin and not min: the number of a number and a NaN.
  return std::fmin(ess_quantile(x, 0.05), ess_quantile(x, 0.95));
}

AutocorrelationTime autocorrelation_time(const ChainValues& x, double least) {
  const double tau = static_cast<double>(x.values.size()) / ess_mean(x);
  std::ostringstream reason;
  reason.precision(3);
  if (std::isnan(tau)) {
    reason << "autocorrelation time: draws that are "
           << (all_finite(x) ? "all equal" : "not all finite") << " have none";
  } else if (static_cast<double>(x.draws) < least * tau) {
    reason << "autocorrelation time: chains of " << x.draws << " draws are only "
           << static_cast<double>(x.draws) / tau << " times as long as the estimate of " << tau
           << " draws, which is too low for that reason; need " << least << " times: at least "
           << std::ceil(least * tau) << " draws";
  } else {
    return {tau, ""};
  }
  return {std::nullopt, reason.str()};
}

}  // namespace eqp::mcmc
