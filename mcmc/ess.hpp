#pragma once

#include <optional>
#include <string>

#include "mcmc/chain_values.hpp"

// Effective sample size: what number of independent draws would give the same Monte Carlo error.
// S stands for the number of draws of all chains together. Needs at least 4 draws per chain.
namespace eqp::mcmc {

/// For the mean of x, with Geyer's initial monotone sequence over lags (Geyer 1992; Vehtari et al.
/// 2021). At most S log10 S.
double ess_mean(const ChainValues& x);

/// ess_mean of (x - mean)^2: for the standard deviation.
double ess_sd(const ChainValues& x);

/// ess_mean of the normal scores of the ranks: exists without moments (Vehtari et al. 2021,
/// "bulk-ESS").
double ess_bulk(const ChainValues& x);

/// ess_mean of whether x is at most its quantile at p, 0 < p < 1 (Vehtari et al. 2021). NaN where
/// that is always so, as for the largest of few values that x takes.
double ess_quantile(const ChainValues& x, double p);
/// The same, with the values of x sorted already.
double ess_quantile(const ChainValues& x, double p, std::span<const double> sorted);

/// The smaller of ess_quantile at 0.05 and 0.95 (Vehtari et al. 2021, "tail-ESS"); where one of
/// them is NaN, the other. ArviZ counts S for an indicator that never changes, also for equal
/// draws.
double ess_tail(const ChainValues& x);

/// The integrated autocorrelation time, S / ess_mean in draws, or the reason why there is none.
struct AutocorrelationTime {
  std::optional<double> draws;
  std::string reason;  // empty where there is an estimate
};

/// Refuses chains shorter than `least` autocorrelation times, whose estimate is biased low
/// (Sokal 1997; the rule and 50 are emcee's, Foreman-Mackey et al. 2013), and draws that are all
/// equal or not finite.
AutocorrelationTime autocorrelation_time(const ChainValues& x, double least = 50);

}  // namespace eqp::mcmc
