#pragma once

#include <string>

#include "mcmc/ais.hpp"
#include "train/metrics/mode_weights.hpp"

// Annealing between a base and a model by HMC, at step sizes of its own: what estimates of
// normalisers of trained energies share.
namespace eqp::train {

struct AnnealingOptions {
  std::size_t temperatures = 200;  // from the base to the model
  std::size_t particles = 512;     // forward
  std::uint32_t leapfrog_steps = 5;
  double step_size = 0.1;      // of HMC where the pilot run begins
  double target_accept = 0.8;  // of the pilot run, which finds the step sizes
  ad::Key key;
};

/// Annealed importance sampling between `base` and exp(-U), along the geometric mean of the two.
class Annealing {
 public:
  /// Runs the pilot, as long as a forward run. Particles stay in the mode where they begin. Throws
  /// std::invalid_argument, in the name of `who`, for options that make no sense.
  Annealing(const std::string& who, const mcmc::Energy& energy, const mcmc::Proposal& base,
            const AnnealingOptions& options, const Modes& modes = {});

  /// mcmc::ais and mcmc::reverse_ais from draws (n, d) of the model: functions of the key, and
  /// independent of each other and of the pilot.
  mcmc::AisResult forward() const;
  mcmc::AisResult reverse(ad::ConstView draws) const;

 private:
  auto make() const;

  mcmc::Path path_;
  Modes modes_;
  AnnealingOptions options_;
  mcmc::AisOptions run_;
};

}  // namespace eqp::train
