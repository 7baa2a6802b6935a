#pragma once

#include "mcmc/chain_values.hpp"

// Monte Carlo standard errors: how far an estimate from these draws is from its expectation, about.
// Needs at least 4 draws per chain; NaN where the effective sample size is.
namespace eqp::mcmc {

/// Of the mean of all draws: sd / sqrt(ess_mean).
double mcse_mean(const ChainValues& x);

/// Of the standard deviation, by the delta method: with v = (x - mean)^2,
/// sqrt(var(v) / ess_mean(v) / mean(v)) / 2 (as in posterior, Buerkner et al. 2025). Needs four
/// moments.
double mcse_sd(const ChainValues& x);

/// Of the quantile at p, 0 < p < 1: half the width of the interval that holds the quantile with
/// 68 % in the order statistics, whose ranks are quantiles of a beta distribution with ess_quantile
/// draws (Vehtari et al. 2021). Needs no moments.
double mcse_quantile(const ChainValues& x, double p);
/// The same from all values in order, and ess_quantile.
double mcse_quantile(std::span<const double> sorted, double p, double ess);

}  // namespace eqp::mcmc
