#pragma once

#include <cstddef>
#include <span>

// What a weighted sample is worth, from its log weights.
namespace eqp::mcmc {

/// (sum w)^2 / sum w^2 of log weights, between 1 and n: n for equal weights. 0 if all weights are
/// 0, NaN if one is NaN or +infinity.
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

/// min(1 - 1 / log10 n, 0.7): from k above it n weights are too few (Vehtari et al. 2024).
double pareto_k_threshold(std::size_t n);

}  // namespace eqp::mcmc
