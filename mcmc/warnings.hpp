#pragma once

#include <optional>

#include "mcmc/mode_weights.hpp"

// What a run must be warned about, as Stan does: how much of it, what follows, what to do, and the
// option that does it.
namespace eqp::mcmc {

/// What is known of a run's recorded phase; what was not measured stays as it is.
struct RunFacts {
  std::size_t chains = 0;
  std::uint32_t steps = 0, warmup = 0;  // as asked for
  std::uint64_t transitions = 0;        // of all chains
  std::uint64_t divergences = 0;        // transitions
  std::uint64_t saturations = 0;        // transitions
  std::size_t max_depth = 0;            // 0: not known
  std::uint64_t not_finite = 0;         // proposals rejected for an energy that is NaN or infinite
  std::uint64_t nan = 0;                // of these, the NaN
  double target_accept = 0;             // 0: not adapted to
  std::vector<double> e_bfmi;           // per chain
  std::span<const Summary> summaries;   // per parameter
  std::optional<double> pareto_k;       // of the draws' importance weights,
  std::size_t weights = 0;              // of which there are so many
  const ModeWeights* modes = nullptr;
};

/// When to warn. R-hat and ESS: Vehtari et al. 2021; E-BFMI: CmdStan's.
struct WarningLimits {
  double r_hat = 1.01;
  double ess_per_chain = 100;
  double e_bfmi = 0.3;
};

/// What the options of the program that warns are called; empty: it has none.
struct WarningFlags {
  std::string target_accept = "--target-accept", max_depth = "--max-depth", warmup = "--warmup",
              steps = "--steps";
};

struct Warning {
  /// divergences, proposals, max_depth, e_bfmi, not_finite, constant, r_hat, ess_bulk, ess_tail,
  /// pareto_k, mode_lost, mode_unsettled.
  std::string kind;
  std::uint64_t count = 0, of = 0;
  std::string what;         // "7 of 4000 transitions (0.18 %) diverged"
  std::string consequence;  // a sentence
  std::string remedy;       // a sentence
  std::string flag;         // "--target-accept 0.9"; empty where no option helps

  /// All of it on one line.
  std::string text() const;
};

/// In the order in which to mend: what biases first, what is merely imprecise last.
std::vector<Warning> warnings(const RunFacts& facts, const WarningLimits& limits = {},
                              const WarningFlags& flags = {});

/// A line each, or that there is nothing to warn of.
std::string text(std::span<const Warning> warnings);

}  // namespace eqp::mcmc
