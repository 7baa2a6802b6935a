#pragma once

#include <cstddef>
#include <span>
#include <vector>

// What a weighted sample is worth, from its log weights.
namespace eqp::mcmc {

/// (sum w)^2 / sum w^2 of log weights (Kong 1992), between 1 and n: n for equal weights. 0 if all
/// weights are 0, NaN if one is NaN or +infinity.
double importance_ess(std::span<const double> log_weights);

/// log(1/n sum exp(a_i)) without overflow: of log weights, an estimate of a log-normaliser.
/// -infinity if all are; NaN if one is NaN. Needs at least one value.
double log_mean_exp(std::span<const double> a);

/// Pareto k: shape of the generalised Pareto distribution fitted to the largest weights, by number
/// min(n / 5, 3 sqrt(n / r)) (Vehtari, Simpson, Gelman, Yao & Gabry 2024). Weights have 1 / k
/// moments: above pareto_k_threshold their means cannot be trusted, and importance_ess neither.
/// r: relative efficiency of draws that came from a chain, ess / n.
/// The fit is Zhang & Stephens' (2009) with k drawn to 1/2 by a prior worth 10 weights, as in loo
/// and ArviZ. +infinity with fewer than 5 weights in the tail; NaN if a log weight is NaN or
/// +infinity, or all are -infinity. Throws std::invalid_argument unless r > 0.
double pareto_k(std::span<const double> log_weights, double relative_efficiency = 1);

/// Log weights whose largest, those that k is fitted to, are replaced by the quantiles of the
/// fitted distribution in their order, none above the largest there was (Vehtari et al. 2024):
/// their means have less variance for a little bias. Where k cannot be fitted they stay.
struct SmoothedWeights {
  std::vector<double> log_weights;
  double k;  // pareto_k
};
/// Throws std::invalid_argument unless r > 0.
SmoothedWeights pareto_smoothed(std::span<const double> log_weights,
                                double relative_efficiency = 1);

/// min(1 - 1 / log10 n, 0.7): from k above it n weights are too few (Vehtari et al. 2024).
double pareto_k_threshold(std::size_t n);

/// What n log weights of independent draws say.
struct ImportanceReport {
  std::size_t draws = 0;
  double ess = 0;             ///< importance_ess
  double pareto_k = 0;        ///< above pareto_k_threshold(draws) the rest is not to be trusted
  double largest_weight = 0;  ///< the share of all weight on one draw: near 1, ess tells nothing
  double log_z = 0;           ///< log mean w, an estimate of log of the integral of exp(-U)
  double log_z_error = 0;     ///< its standard error by the delta method, sqrt(1 / ess - 1 / n)
  std::size_t worst = 0;      ///< the draw of the largest weight
  /// log (w / mean w) of that draw: an independence sampler that arrives there stays for about as
  /// many steps as its exponential.
  double worst_log_weight = 0;
};

/// Throws std::invalid_argument for fewer than 2 log weights, std::runtime_error unless their
/// largest is finite and none is NaN.
ImportanceReport importance_report(std::span<const double> log_weights);

}  // namespace eqp::mcmc
