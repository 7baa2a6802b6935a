#pragma once

#include "mcmc/chain_values.hpp"

namespace eqp::mcmc {

/// 1/n sum_t (x_t - mean)(x_{t+lag} - mean), n draws per chain and each chain's own mean, averaged
/// over the chains: lags 0 to n - 1. By fast Fourier transform of zero-padded chains, two of them
/// at a time as real and imaginary part: O(chains n log n).
std::vector<double> autocovariance(const ChainValues& x);

}  // namespace eqp::mcmc
