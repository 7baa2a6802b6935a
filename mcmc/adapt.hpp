#pragma once

#include <cstdint>

namespace eqp::mcmc {

/// Drives a step size towards a target acceptance by factors of 1.05, leaving it alone within 0.03
/// of the target (the rule of the flow_mcmc code of Grenioux et al. 2023, whose cap binds only
/// there; here always). Adapting is not Markovian: freeze the step size before recording.
class StepSizeAdapter {
 public:
  struct Options {
    double target = 0.75;
    double largest = 0;  // cap of the step size; 0: none
  };

  /// Throws std::invalid_argument unless 0 < target < 1 and largest >= 0.
  explicit StepSizeAdapter(Options options);
  /// One decision from the mean acceptance over all chains and `steps` steps; where that is far
  /// off the target, as many as they would have taken one by one, but no more than a linear rule
  /// bears: min(steps, 40) |acceptance - target|.
  void update(double& step_size, double acceptance, std::uint32_t steps = 1) const;

 private:
  Options options_;
};

}  // namespace eqp::mcmc
