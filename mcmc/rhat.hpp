#pragma once

#include "mcmc/chain_values.hpp"

// R-hat: do chains, and halves of chains, agree? Fine below 1.01 (Vehtari et al. 2021). Needs at
// least 4 draws per chain; one chain will do, whose halves are compared (ArviZ wants two chains).
namespace eqp::mcmc {

/// Split R-hat: sqrt(((n-1)/n W + B/n) / W), n draws per half chain, W the mean variance within the
/// halves, B/n the variance of their means (Gelman et al. 2013, section 11.4).
double split_rhat(const ChainValues& x);

/// split_rhat of the normal scores of the ranks: location (Vehtari et al. 2021).
double rank_rhat(const ChainValues& x);

/// split_rhat of the normal scores of |x - median|: scale (Vehtari et al. 2021). NaN
/// for draws on two points around the median, which have no scale to compare.
double folded_rhat(const ChainValues& x);

/// The larger of rank_rhat and folded_rhat, which is what "R-hat" means today.
double rhat(const ChainValues& x);

/// The largest rhat over the coordinates of draws (chains, draws, d); NaN if one of them is NaN.
/// Needs at least 1 coordinate.
double max_rhat(ad::ConstView draws);

}  // namespace eqp::mcmc
