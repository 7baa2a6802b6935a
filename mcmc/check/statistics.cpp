#include "mcmc/check/statistics.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>

namespace eqp::mcmc {

double z_of_log_p(double log_p) {
  if (!(log_p < 0)) return 0;
  if (std::isinf(log_p)) return std::numeric_limits<double>::infinity();
  if (log_p > -600) return std::numbers::sqrt2 * boost::math::erfc_inv(std::exp(log_p));
  // P(|normal| > z) = sqrt(2/pi) exp(-z^2/2) / z, up to 1 / z^2.
  double z = std::sqrt(-2 * log_p);
  for (int i = 0; i < 4; ++i) {
    z = std::sqrt(-2 * (log_p + std::log(z) - 0.5 * std::log(2 / std::numbers::pi)));
  }
  return z;
}

double z_of_chi_square(double statistic, double degrees_of_freedom) {
  if (std::isnan(statistic)) return statistic;
  if (degrees_of_freedom < 1) return 0;
  const double half = degrees_of_freedom / 2;
  const double p = boost::math::gamma_q(half, statistic / 2);
  if (p > 1e-250) return z_of_log_p(std::log(p));
  // Beyond double's range: the leading term of the upper incomplete gamma function.
  return z_of_log_p((half - 1) * std::log(statistic / 2) - statistic / 2 - std::lgamma(half));
}

double z_of_kolmogorov(double statistic) {
  const double square = 2 * statistic * statistic;
  if (std::isnan(statistic)) return statistic;
  if (square < 0.5) return 0;  // P is above 0.96
  double sum = 0;              // P = 2 exp(-square) sum
  for (int k = 1; k <= 20; ++k) sum += (k % 2 ? 1 : -1) * std::exp(-square * (k * k - 1));
  return z_of_log_p(std::log(2 * sum) - square);
}

double z_of_mean(std::span<const double> values) {
  const double n = double(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return mean == 0 ? 0 : mean / std::sqrt(squares / (n - 1) / n);
}

double kolmogorov_smirnov(std::span<double> a, std::span<double> b) {
  const auto nan = [](double v) { return std::isnan(v); };
  if (std::ranges::any_of(a, nan) || std::ranges::any_of(b, nan)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::ranges::sort(a);
  std::ranges::sort(b);
  const double n = double(a.size()), m = double(b.size());
  double distance = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double at = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= at) ++i;
    while (j < b.size() && b[j] <= at) ++j;
    distance = std::max(distance, std::abs(double(i) / n - double(j) / m));
  }
  return std::sqrt(n * m / (n + m)) * distance;
}

double normal_quantile(double p) { return -std::numbers::sqrt2 * boost::math::erfc_inv(2 * p); }

}  // namespace eqp::mcmc
