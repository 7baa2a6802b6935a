#pragma once

#include "mcmc/chains.hpp"
#include "mcmc/check/features.hpp"

namespace eqp::mcmc {

struct StationarityOptions {
  std::size_t chains = 16384;  // each starts at its own exact draw
  std::uint32_t steps = 5;     // more of them for kernels that move little
  std::size_t pilot = 4096;    // exact draws that define the scores
  double false_alarm = 1e-3;   // of the whole check
  ad::Key key;
};

/// Positions before and after some steps: (n, d) each.
struct Moved {
  ad::Tensor before, after;
};

/// Moves `chains` exact draws of the target by `steps` steps.
template <Kernel K>
Moved moved(const K& kernel, const Target& target, std::size_t chains, std::uint32_t steps,
            ad::Key key) {
  Moved result{.before = exact_draws("check", target, chains, key.fork(0))};
  Chains<K> all(kernel, result.before);
  all.advance(kernel, 0, steps, key.fork(1));
  result.after = all.positions();
  return result;
}

/// The verdict on chains that began in the law and were moved.
Check judge_stationarity(const Target& target, const Moved& chains,
                         const StationarityOptions& options);

/// Does the kernel leave the target invariant? Chains that start from independent exact draws must
/// stay in the law, so means over chains have known errors: no autocorrelation, no warm-up. Fails
/// if the mean of a score changes or a marginal differs from fresh draws (compare_laws), or if
/// hardly a chain moved, for a kernel that stands still passes everything else. A kernel with
/// hidden state that cannot start exactly needs so many steps that it has forgotten its start.
template <Kernel K>
Check check_stationarity(const K& kernel, const Target& target,
                         const StationarityOptions& options = {}) {
  try {
    return judge_stationarity(
        target, moved(kernel, target, options.chains, options.steps, options.key), options);
  } catch (const ad::NonFinite& e) {
    return stopped("stationarity", e.what());
  }
}

}  // namespace eqp::mcmc
