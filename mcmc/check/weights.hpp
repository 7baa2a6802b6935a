#pragma once

#include "mcmc/check/features.hpp"

namespace eqp::mcmc {

struct WeightsOptions {
  /// log of the normaliser that the weights estimate: E w = exp(log_normaliser).
  double log_normaliser = 0;
  /// The rows are so many equal, consecutive groups, independent of each other, as the particles of
  /// several runs are; 0: all rows are independent.
  std::size_t runs = 0;
  std::size_t fresh = 65536;  // exact draws to compare with
  std::size_t pilot = 4096;   // exact draws that define the scores
  double false_alarm = 1e-3;
  ad::Key key;
};

/// Are draws properly weighted, as importance sampling, AIS and SMC promise: E w = Z and E w f(x) =
/// Z E_pi f, here for scores f of the target pi and their squares? And is the mean of log w (over
/// runs: of the log of their mean weight) at most log Z, as Jensen's inequality wants: weights with
/// the wrong sign break it, and their logarithms have a variance where they have none. Other
/// z-scores need effective draws to be normal, so that fewer than 50 of them (or a quarter of the
/// runs) fail. draws (n, d) with log weights (n). Throws std::invalid_argument unless the sizes
/// agree and there are at least 100 draws or 20 runs.
Check check_weights(ad::ConstView draws, std::span<const double> log_weights, const Target& target,
                    const WeightsOptions& options = {});

}  // namespace eqp::mcmc
