#pragma once

#include <vector>

#include "autodiff/archive.hpp"
#include "autodiff/params.hpp"

namespace eqp::train {

struct EmaOptions {
  double decay = 0.999;
  /// Decay at most (1 + t) / (10 + t) at update t = 1, 2, ..., so that the start is forgotten soon:
  /// the warm-up of TensorFlow's ExponentialMovingAverage, usual for diffusion models.
  bool warmup = false;
};

/// Exponential moving average of parameters: average = decay average + (1 - decay) params. It
/// starts at the parameters it is made with; PyTorch's AveragedModel at those of its first update.
class Ema {
 public:
  /// Throws std::invalid_argument unless the decay is in [0, 1).
  Ema(const ad::Params& params, EmaOptions options);
  Ema(const ad::Params& params, double decay) : Ema(params, EmaOptions{.decay = decay}) {}
  void update(const ad::Params& params);
  /// Exchanges the average with the parameters; twice restores both.
  void swap(ad::Params& params);
  void archive(ad::Archive& a) {
    a("average", std::span<Real>(average_));
    a("t", t_);
  }

 private:
  EmaOptions options_;
  std::vector<Real> average_;
  double t_ = 0;
};

}  // namespace eqp::train
