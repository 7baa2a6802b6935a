#pragma once

#include <optional>
#include <vector>

#include "mcmc/proposal.hpp"
#include "train/metrics/annealing.hpp"
#include "train/metrics/mode_weights.hpp"

// How much of its mass a trained energy has in each region of a partition, in any dimension and
// without a chain that would have to cross between them.
namespace eqp::train {

/// One region's part of the integral of exp(-U).
struct RegionMass {
  /// log Z_k, Z_k the integral over the region; -infinity, with a NaN for its error, if no particle
  /// was there.
  mcmc::LogZ log_z;
  /// Z_k / sum_j Z_j and its standard error by the delta method. A region without a particle counts
  /// as empty: its own error is NaN, and those of the others know nothing of it.
  double mass = 0, standard_error = 0;
  double ess = 0;    // of the weights that count, those of particles that ended in the region
  double share = 0;  // of the draws of the region's base that are in it
};

/// Masses of `modes` under exp(-U) by annealed importance sampling, once per region k from
/// bases[k]: E w 1(x ends in region k) = Z_k for any base that covers the region (Neal 2001).
/// Particles stay in the region where they begin (mcmc::Confined): one that came back late from a
/// neighbour would have more weight than all others. Runs are independent, and each takes the
/// particles of `options`.
///
/// Z_k misses what of a region no particle has come to: parts of it that are far apart need a base
/// that has all of them. As of all such estimates, errors are too small where few weights matter:
/// look at the ess. Throws std::invalid_argument unless there is a base per region, for options
/// that make no sense, and for a particle that ends in a region not below modes.count;
/// std::runtime_error if no run had a particle that ended in its region.
std::vector<RegionMass> annealed_masses(const mcmc::Energy& energy, const Modes& modes,
                                        const std::vector<mcmc::Proposal>& bases,
                                        const AnnealingOptions& options);

struct RegionBaseOptions {
  double widening = 1.5;  // of the standard deviations: the base must have the tails of the region
  std::size_t least_draws = 10;
  std::optional<mcmc::Proposal> fallback;  // the base of regions that cannot be fitted
};

/// A base for every region: independent Gaussians with the means and the widened standard
/// deviations of those of the draws (n, d) that are in the region. These need not have the right
/// share of the draws, but be spread over all of it. Rows that are not finite are in none. A region
/// with fewer draws than `least_draws`, or whose draws agree in a coordinate, cannot be fitted.
/// Throws std::invalid_argument naming it if there is no fallback, and for draws without rows or
/// columns, or options that make no sense.
std::vector<mcmc::Proposal> region_bases(ad::ConstView draws, const Modes& modes,
                                         const RegionBaseOptions& options = {});

}  // namespace eqp::train
