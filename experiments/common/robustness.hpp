#pragma once

#include "experiments/common/cli.hpp"
#include "experiments/common/ebm.hpp"

namespace eqp {

/// Trades some speed for a training that looks after itself: adaptive_flow watches the balance of
/// its learning rates, a tenth of what its flow learns are data and a tenth of its proposals are
/// from the flow's base; every method goes back after a divergence, up to three times.
void make_robust(MethodSettings& settings);

/// What --robust and --jarzynski, which it adds to the command line, ask for.
class Robustness {
 public:
  explicit Robustness(Cli& cli);
  void apply(MethodSettings& settings) const;

 private:
  bool robust_, jarzynski_;
};

}  // namespace eqp
