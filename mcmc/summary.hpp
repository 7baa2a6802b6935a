#pragma once

#include <string>

#include "mcmc/chain_values.hpp"
#include "mcmc/kernel.hpp"

// What draws say about every parameter, and how far that can be trusted: one row per parameter.
namespace eqp::mcmc {

/// A number and its Monte Carlo standard error.
struct Estimate {
  double value, mcse;
};

/// One parameter. All NaN if a draw is not finite, or in part where that is what the diagnostic of
/// that name gives; mean, sd and quantiles do not need the 4 draws per chain that the others do.
struct Summary {
  std::string name;
  Estimate mean, sd, q5, q50, q95;
  double ess_bulk, ess_tail, r_hat;
  std::size_t not_finite = 0;  // draws that are NaN or infinite
};

Summary summarise(std::string name, const ChainValues& x);

/// Of every coordinate of draws (chains, draws, d). Names them x[0], x[1], ... where `names` is
/// empty; throws std::invalid_argument if it has another length than d, or without 4 draws.
std::vector<Summary> summarise(ad::ConstView draws, const std::vector<std::string>& names = {});

/// What the draws cost, warm-up included where it is to count.
struct Cost {
  std::uint64_t gradients = 0;
  double seconds = 0;
};

/// The smallest ess_bulk or ess_tail over the parameters, which is what the run was good for. NaN
/// if one of them is.
double smallest_ess(std::span<const Summary> summaries);

/// Columns by their usual names, a line per parameter, digits as far as the MCSE bears them.
std::string table(std::span<const Summary> summaries);

/// The table, and below it the smallest ESS, per 1000 gradients and per second where those were
/// counted.
std::string table(std::span<const Summary> summaries, const Cost& cost);

}  // namespace eqp::mcmc
