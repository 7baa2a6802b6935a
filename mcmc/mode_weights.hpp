#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "mcmc/summary.hpp"

// How much of the draws is in each mode, whether that can be trusted, and whether one was lost.
namespace eqp::mcmc {

/// Gives a position x (d) the number of its mode.
using Labelling = std::function<std::uint32_t(std::span<const Real> x)>;

/// The number of the nearest centre, the lower of two at the same distance. centres (modes, d)
Labelling nearest_centre(ad::Tensor centres);

/// The mode of every draw. labels (chains, draws)
struct Labels {
  std::size_t chains, draws, modes;
  std::vector<std::uint32_t> values;
};

/// Labels draws (chains, draws, d). Throws std::invalid_argument for a label that is not below
/// `modes`, and for draws that are not finite.
Labels label(ad::ConstView draws, std::size_t modes, const Labelling& labelling);

struct ModeOptions {
  /// Whether a mode was visited in warm-up, or is known to exist: those that can be lost. Empty:
  /// all of them.
  std::vector<bool> known;
  /// A known mode without a visit in this last part of every chain is lost.
  double last_part = 0.25;
  /// The first and the second half of the chains disagree from so many standard errors on.
  double disagreement = 4;
};

struct Mode {
  /// Share of the draws, with the MCSE of the indicator's mean over all chains (mcse_mean). The
  /// MCSE is NaN for weights 0 and 1, of which the draws cannot tell how sure they are.
  Estimate weight;
  std::size_t visits = 0;  // draws
  std::size_t chains = 0;  // that were there
  /// Weights in the two halves of the chains, and their difference in standard errors; infinite
  /// where neither half has one.
  double first_half = 0, second_half = 0, difference = 0;
  bool lost = false, unsettled = false;  // unsettled: the halves disagree
};

struct ModeWeights {
  std::vector<Mode> modes;
  std::vector<std::size_t> transitions;  // per chain, draws in another mode than the one before
  bool alarm = false;                    // a mode is lost or unsettled

  /// A line per mode, then transitions and what is wrong.
  std::string text() const;
};

/// Needs at least 8 draws per chain, that halves have diagnostics.
ModeWeights mode_weights(const Labels& labels, const ModeOptions& options = {});

}  // namespace eqp::mcmc
