#pragma once

#include "mcmc/chain_values.hpp"

namespace eqp::mcmc {

/// Estimated Bayesian fraction of missing information of every chain, from the total energies H of
/// Hamiltonian transitions: sum (H_t - H_{t-1})^2 / sum (H_t - mean)^2 (Betancourt 2016).
/// Below 0.3, drawing momenta anew moves between energies too slowly. NaN for a chain of equal
/// energies or one that is not finite. Needs at least 4 draws per chain. energies (chains, draws)
std::vector<double> e_bfmi(const ChainValues& energies);

}  // namespace eqp::mcmc
