#pragma once

#include "mcmc/targets/posteriors/posterior.hpp"

namespace eqp::mcmc {

/// y_i ~ N(sum_k x_ik beta_k, sigma), over (beta, log sigma). Priors: beta_k ~ N(0, beta_scale) or
/// flat, sigma ~ half-Cauchy or half-normal.
struct LinearRegression {
  enum class Scale { half_cauchy, half_normal };

  std::vector<std::string> coefficients;  ///< (k) their names
  std::vector<double> x;                  ///< (n, k), row-major
  std::vector<double> y;                  ///< (n)
  std::optional<double> beta_scale;       ///< none: flat
  Scale sigma_prior = Scale::half_cauchy;
  double sigma_scale = 1;
};

/// An energy costs k^2 operations, whatever n: by the triangular factor L of x'x, residuals have
/// the sum of squares |L' beta - L^-1 x'y|^2 + |y|^2 - |L^-1 x'y|^2. Throws std::invalid_argument
/// unless x is n times k and its columns are linearly independent.
Posterior linear_regression(const std::string& name, const LinearRegression& model);

// Models of posteriordb (Magnusson et al. 2025), from their data files.

/// Test scores of 434 children by their mothers' IQ, beta flat, sigma ~ half-Cauchy(0, 2.5) (Gelman
/// & Hill 2007, chapter 3).
LinearRegression read_kidscore_momiq(const std::filesystem::path& file);
/// y_t ~ N(alpha + sum_k beta_k y_(t-k), sigma) for t > K, alpha and beta_k ~ N(0, 10), sigma ~
/// half-Cauchy(0, 2.5).
LinearRegression read_autoregression(const std::filesystem::path& file);
/// 100 rows of 5 simulated columns, beta_k ~ N(0, 10), sigma ~ half-N(0, 10).
LinearRegression read_blr(const std::filesystem::path& file);

}  // namespace eqp::mcmc
