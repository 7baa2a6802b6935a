#include "mcmc/targets/posteriors/linear_regression.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "autodiff/cholesky.hpp"
#include "mcmc/targets/posteriors/data_file.hpp"
#include "mcmc/targets/posteriors/terms.hpp"

namespace eqp::mcmc {
namespace {

/// The sum of squared residuals as |beta L + shift|^2 + rest.
struct Squares {
  ad::Tensor factor, shift;  // L (k, k), (k)
  double rest = 0;
};

Squares squares_of(const std::string& name, const LinearRegression& m) {
  const std::size_t n = m.y.size(), k = m.coefficients.size();
  if (n == 0 || k == 0 || m.x.size() != n * k) {
    throw std::invalid_argument(name + ": " + std::to_string(m.x.size()) + " numbers x for " +
                                std::to_string(n) + " rows of " + std::to_string(k) +
                                "; need n times k");
  }
  std::vector<double> xx(k * k), xy(k);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t i = 0; i < k; ++i) {
      xy[i] += m.x[r * k + i] * m.y[r];
      for (std::size_t j = 0; j < k; ++j) xx[i * k + j] += m.x[r * k + i] * m.x[r * k + j];
    }
  }
  const ad::Cholesky cholesky(name + ": x'x", xx, k);
  cholesky.solve(xy);
  Squares s{ad::Tensor({k, k}), ad::Tensor({k}), 0};
  const auto squared = [](const std::vector<double>& v) {
    return std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
  };
  // A perfect fit leaves nothing but rounding.
  s.rest = std::max(0.0, squared(m.y) - squared(xy));
  for (std::size_t i = 0; i < k; ++i) {
    s.shift[i] = Real(-xy[i]);
    for (std::size_t j = 0; j <= i; ++j) s.factor(i, j) = Real(cholesky(i, j));
  }
  return s;
}

}  // namespace

Posterior linear_regression(const std::string& name, const LinearRegression& m) {
  const std::size_t k = m.coefficients.size();
  const double rows = double(m.y.size());
  Posterior p{.name = name, .parameters = m.coefficients, .quantities = m.coefficients};
  p.parameters.push_back("log sigma");
  p.quantities.push_back("sigma");
  p.energy = [=, s = squares_of(name, m), scale = m.beta_scale, prior = m.sigma_prior,
              sigma_scale = m.sigma_scale](ad::Var x) {
    const ad::Var beta = slice(x, 1, 0, k), t = column(x, k);
    const ad::Var z = affine(beta, x.tape->constant(s.factor), x.tape->constant(s.shift));
    const ad::Var squares = sum(square(z), std::size_t(1)) + s.rest;
    const ad::Var likelihood = 0.5 * exp(-2 * t) * squares + rows * t + rows * kLogSqrt2Pi;
    const ad::Var sigma = prior == LinearRegression::Scale::half_normal
                              ? log_half_normal_energy(t, sigma_scale)
                              : log_half_cauchy_energy(t, sigma_scale);
    return scale ? likelihood + sigma + normal_energy(beta, *scale) : likelihood + sigma;
  };
  p.report = [=](std::span<const Real> x, std::span<Real> q) {
    std::ranges::copy(x.first(k), q.begin());
    q[k] = std::exp(x[k]);
  };
  return p;
}

LinearRegression read_kidscore_momiq(const std::filesystem::path& path) {
  const DataFile file(path);
  const std::size_t n = file.count("N");
  LinearRegression m{.coefficients = element_names("beta", 2),
                     .y = file.numbers("kid_score", n),
                     .sigma_scale = 2.5};
  for (const double iq : file.numbers("mom_iq", n)) m.x.insert(m.x.end(), {1, iq});
  return m;
}

LinearRegression read_autoregression(const std::filesystem::path& path) {
  const DataFile file(path);
  const std::size_t order = file.count("K"), times = file.count("T");
  if (order >= times) {
    throw std::invalid_argument(path.string() + ": K " + std::to_string(order) + " of T " +
                                std::to_string(times) + " values; need fewer");
  }
  const std::vector<double> y = file.numbers("y", times);
  LinearRegression m{.coefficients = {"alpha"},
                     .y = {y.begin() + std::ptrdiff_t(order), y.end()},
                     .beta_scale = 10,
                     .sigma_scale = 2.5};
  std::ranges::copy(element_names("beta", order), std::back_inserter(m.coefficients));
  for (std::size_t t = order; t < times; ++t) {
    m.x.push_back(1);
    for (std::size_t lag = 1; lag <= order; ++lag) m.x.push_back(y[t - lag]);
  }
  return m;
}

LinearRegression read_blr(const std::filesystem::path& path) {
  const DataFile file(path);
  const std::size_t n = file.count("N"), d = file.count("D");
  return {.coefficients = element_names("beta", d),
          .x = file.table("X", n, d),
          .y = file.numbers("y", n),
          .beta_scale = 10,
          .sigma_prior = LinearRegression::Scale::half_normal,
          .sigma_scale = 10};
}

}  // namespace eqp::mcmc
