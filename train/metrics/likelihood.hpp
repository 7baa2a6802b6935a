#pragma once

#include <optional>

#include "mcmc/proposal.hpp"
#include "train/metrics/annealing.hpp"

// What a trained energy says of data it has not seen, in any dimension: log p(x) = -U(x) - log Z
// with log Z between two bounds that both have error bars.
namespace eqp::train {

struct LogZOptions {
  AnnealingOptions annealing;
  double confidence = 0.95;  // of the interval, two-sided
};

/// An interval for log Z.
struct LogZBracket {
  /// log of the mean weight forward: E lower.value <= log Z, whatever the annealing (Jensen).
  mcmc::LogZ lower;
  /// The same in reverse: E upper.value >= log Z for exact draws of the model; none: there were
  /// none.
  std::optional<mcmc::LogZ> upper;
  mcmc::LogZ best;  // by both directions (Bennett), or by the forward one alone
  /// lower.value and upper.value, moved out by their errors times the quantile of the confidence.
  /// Without draws the end above is that of lower, which no theorem vouches for.
  double low = 0, high = 0;
};

/// Brackets log Z of exp(-U) by annealed importance sampling from `base` to the model and, from
/// `draws` (n, d) of the model, back (Neal 2001; Grosse, Ancha & Roy 2016). A flow that fits the
/// model is the best base; the bounds hold for any that covers it, and are close to each other
/// where the annealing is slow enough. Errors are too small where few weights matter: look at how
/// far the bounds are apart. Draws of chains must have come to the model's law, weights of modes
/// included; others void the upper bound, not the lower one. Throws std::invalid_argument for
/// options that make no sense.
LogZBracket bracket_log_z(const mcmc::Energy& energy, const mcmc::Proposal& base,
                          const LogZOptions& options, ad::ConstView draws = {});

/// Mean log-likelihood of test points, in nats per point.
struct Likelihood {
  double nats = 0;            // by the best log Z
  double standard_error = 0;  // of the mean over test points: another test set gives another one
  double low = 0, high = 0;   // by the ends of the bracket, for these points
  /// Minus nats, in bits per coordinate: the length of a code, for densities of R^d.
  double bits_per_dim(std::size_t dim) const;
};

/// x (n, d), n at least 2. Throws std::invalid_argument for fewer, std::runtime_error naming the
/// row of a point whose energy is not finite.
Likelihood likelihood(const mcmc::Energy& energy, const LogZBracket& log_z, ad::ConstView x);

}  // namespace eqp::train
