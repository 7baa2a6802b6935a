#pragma once

#include <span>
#include <vector>

// Tests of hypotheses, all as the z of a normal law that is as improbable.
namespace eqp::mcmc {

/// The z >= 0 with P(|normal| > z) = exp(log_p), also where exp(log_p) underflows.
double z_of_log_p(double log_p);

/// The same of a chi-square statistic that exceeds what is expected.
double z_of_chi_square(double statistic, double degrees_of_freedom);

/// The same of sqrt(n) sup |F_n - F|, or with n m / (n + m) for two samples (Kolmogorov 1933,
/// asymptotic; conservative for values on a lattice).
double z_of_kolmogorov(double statistic);

/// Mean of independent values (at least 2) over its standard error; 0 if all are 0, infinite if
/// all are equal and not 0, NaN if one is NaN.
double z_of_mean(std::span<const double> values);

/// sqrt(n m / (n + m)) sup |F_n - G_m| of two samples, which may have ties; NaN if one
/// of them is. Sorts them.
double kolmogorov_smirnov(std::span<double> a, std::span<double> b);

/// Quantile of the standard normal law, 0 < p < 1.
double normal_quantile(double p);

}  // namespace eqp::mcmc
