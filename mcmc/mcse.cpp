#include "mcmc/mcse.hpp"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "mcmc/ess.hpp"

namespace eqp::mcmc {

double mcse_mean(const ChainValues& x) {
  const double ess = ess_mean(x);  // first: refuses chains that have no moments
  return std::sqrt(mean_variance(x.values).variance / ess);
}

double mcse_sd(const ChainValues& x) {
  const double ess = ess_sd(x);
  const double mean = mean_variance(x.values).mean, size = static_cast<double>(x.values.size());
  double second = 0, fourth = 0;
  for (const double v : x.values) {
    const double square = (v - mean) * (v - mean);
    second += square / size;
    fourth += square * square / size;
  }
  return std::sqrt((fourth - second * second) / ess / second) / 2;
}

double mcse_quantile(const ChainValues& x, double p) {
  if (!all_finite(x)) return ess_quantile(x, p);
  const std::vector<double> in_order = sorted(x.values);
  return mcse_quantile(in_order, p, ess_quantile(x, p, in_order));
}

double mcse_quantile(std::span<const double> sorted, double p, double ess) {
  if (std::isnan(ess)) return ess;
  const double size = static_cast<double>(sorted.size());
  // Phi(-1) and Phi(1) to the digits that ArviZ and posterior use: one more could be another rank.
  const auto rank = [&](double probability) {
    return boost::math::ibeta_inv(ess * p + 1, ess * (1 - p) + 1, probability) * size - 1;
  };
  const double low = std::floor(std::max(rank(0.1586553), 0.0));
  const double high = std::ceil(std::min(rank(0.8413447), size - 1));
  return (sorted[static_cast<std::size_t>(high)] - sorted[static_cast<std::size_t>(low)]) / 2;
}

}  // namespace eqp::mcmc
