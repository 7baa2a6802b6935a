#pragma once

#include <memory>
#include <span>

#include "autodiff/archive.hpp"
#include "autodiff/real.hpp"

// Rules of descent, one file each in optimisers/. What they are made with throws
// std::invalid_argument unless momentum and betas are in [0, 1), epsilon is above 0 and the rest at
// least 0.
namespace eqp::train {

/// A descent rule over flat arrays. It owns what it remembers between steps.
class Optimiser {
 public:
  virtual ~Optimiser() = default;
  /// One step: params -= learning_rate * direction(gradient). Equal sizes, the same at every call.
  virtual void step(std::span<Real> params, std::span<const Real> gradient,
                    double learning_rate) = 0;
  /// What it remembers.
  virtual void archive(ad::Archive& a) = 0;
};

struct SgdOptions {
  double momentum = 0;  // heavy ball, PyTorch's form: v = momentum v + g; params -= learning_rate v
  bool nesterov = false;  // params -= learning_rate (g + momentum v) instead
};
std::unique_ptr<Optimiser> sgd(SgdOptions options = {});

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;  // decoupled: params -= learning_rate * weight_decay * params
};
/// Adam (Kingma & Ba 2015, algorithm 1); with weight decay it is AdamW. PyTorch's Adam adds its
/// decay to the gradient instead, which Adam then rescales; there is no such option here.
std::unique_ptr<Optimiser> adam(AdamOptions options = {});

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 1e-2;
};
/// AdamW (Loshchilov & Hutter 2019, algorithm 2) with PyTorch's defaults.
std::unique_ptr<Optimiser> adamw(AdamWOptions options = {});

struct AdamaxOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;  // added to |gradient|, as PyTorch does; the paper divides by 0 there
};
/// Adamax (Kingma & Ba 2015, algorithm 2): Adam in the maximum norm. Its usual rate is 2e-3.
std::unique_ptr<Optimiser> adamax(AdamaxOptions options = {});

struct LionOptions {
  double beta1 = 0.9, beta2 = 0.99;
  double weight_decay = 0;  // decoupled
};
/// Lion (Chen et al. 2023, algorithm 2): every parameter moves by the learning rate, which should
/// be 3 to 10 times smaller than Adam's, and weight_decay as many times larger.
std::unique_ptr<Optimiser> lion(LionOptions options = {});

}  // namespace eqp::train
