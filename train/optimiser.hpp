#pragma once

#include <memory>
#include <span>
#include <vector>

#include "autodiff/params.hpp"

namespace eqp::train {

/// A descent rule over flat arrays. It owns what it remembers between steps.
class Optimiser {
 public:
  virtual ~Optimiser() = default;
  /// One step: params -= learning_rate * direction(gradient). Equal sizes, the same at every call.
  virtual void step(std::span<Real> params, std::span<const Real> gradient,
                    double learning_rate) = 0;
};

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;  // decoupled: params -= learning_rate * weight_decay * params
};
/// Adam (Kingma & Ba 2015); with weight decay AdamW (Loshchilov & Hutter 2019).
std::unique_ptr<Optimiser> adam(AdamOptions options = {});

struct SgdOptions {
  double momentum = 0;  // heavy ball, PyTorch's form: v = momentum v + g; params -= learning_rate v
};
std::unique_ptr<Optimiser> sgd(SgdOptions options = {});

/// Scales the gradient to at most `limit` in Euclidean norm, if limit > 0. Returns the norm before.
double clip_norm(std::span<Real> gradient, double limit);

/// Exponential moving average of parameters: average = decay average + (1 - decay) params.
class Ema {
 public:
  Ema(const ad::Params& params, double decay);
  void update(const ad::Params& params);
  /// Exchanges the average with the parameters; twice restores both.
  void swap(ad::Params& params);

 private:
  double decay_;
  std::vector<Real> average_;
};

}  // namespace eqp::train
