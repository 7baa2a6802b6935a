#pragma once

#include "mcmc/energy.hpp"
#include "mcmc/mode_weights.hpp"

// Which modes have the chains been in? Medoids of some draws go down the energy to a minimum each;
// minima with no barrier on the line between them are one mode.
//
// They go down first because a typical draw in d dimensions lies d/2 nats above its minimum, and a
// line between two of them passes so far below both that barriers of up to d/4 nats do not show.
namespace eqp::mcmc {

struct DiscoverOptions {
  std::size_t points = 512;     // draws looked at: the last of each chain and others evenly
  std::size_t medoids = 32;     // at most; a mode without one is not found
  double barrier = 1;           // nats above the higher of two minima from which they are two modes
  std::uint32_t descent = 300;  // steps down; 0 leaves medoids where they are
};

struct DiscoveredModes {
  ad::Tensor centres;                // (k, d), where the medoids went
  std::vector<std::uint32_t> modes;  // (k), the mode of each; 0 is the one of lowest energy
  std::size_t count = 0;             // of modes

  /// The mode of the nearest centre.
  Labelling labelling() const;
};

/// k-medoids by alternation (Park & Jun 2009) from medoids that are far from each other (Gonzalez
/// 1985), in Euclidean distance: coordinates should be of similar scale. Steepest descent with a
/// step size per medoid. Barriers are the largest of 32 energies on a line, looked for again
/// between the neighbours of that one. A function of its arguments alone: nothing is random.
/// draws (chains, draws, d). Throws std::invalid_argument unless there is a draw, all those looked
/// at are finite, and options are above 0.
DiscoveredModes discover_modes(const Energy& energy, ad::ConstView draws,
                               const DiscoverOptions& options = {});

}  // namespace eqp::mcmc
