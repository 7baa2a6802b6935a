#include "train/optimiser.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/sum_of.hpp"

namespace eqp::train {
namespace {

class Adam final : public Optimiser {
 public:
  explicit Adam(AdamOptions options) : o_(options) {}

  void step(std::span<Real> params, std::span<const Real> g, double learning_rate) override {
    m_.resize(params.size());
    v_.resize(params.size());
    ++t_;
    const Real b1 = Real(o_.beta1), b2 = Real(o_.beta2), epsilon = Real(o_.epsilon);
    const Real unbias2 = Real(1 / std::sqrt(1 - std::pow(o_.beta2, t_)));
    const Real rate = Real(learning_rate / (1 - std::pow(o_.beta1, t_)));
    const Real keep = Real(1 - learning_rate * o_.weight_decay);
    for (std::size_t i = 0; i < params.size(); ++i) {
      m_[i] = b1 * m_[i] + (1 - b1) * g[i];
      v_[i] = b2 * v_[i] + (1 - b2) * g[i] * g[i];
      params[i] = keep * params[i] - rate * m_[i] / (std::sqrt(v_[i]) * unbias2 + epsilon);
    }
  }

 private:
  AdamOptions o_;
  std::vector<Real> m_, v_;
  double t_ = 0;
};

class Sgd final : public Optimiser {
 public:
  explicit Sgd(SgdOptions options) : o_(options) {}

  void step(std::span<Real> params, std::span<const Real> g, double learning_rate) override {
    velocity_.resize(params.size());
    for (std::size_t i = 0; i < params.size(); ++i) {
      velocity_[i] = Real(o_.momentum) * velocity_[i] + g[i];
      params[i] -= Real(learning_rate) * velocity_[i];
    }
  }

 private:
  SgdOptions o_;
  std::vector<Real> velocity_;
};

}  // namespace

std::unique_ptr<Optimiser> adam(AdamOptions options) { return std::make_unique<Adam>(options); }
std::unique_ptr<Optimiser> sgd(SgdOptions options) { return std::make_unique<Sgd>(options); }

double clip_norm(std::span<Real> gradient, double limit) {
  const double norm = std::sqrt(ad::sum_of(
      gradient.size(), [=](std::size_t i) { return double(gradient[i]) * double(gradient[i]); }));
  if (limit > 0 && norm > limit) {
    const Real scale = Real(limit / norm);
    for (Real& g : gradient) g *= scale;
  }
  return norm;
}

Ema::Ema(const ad::Params& params, double decay)
    : decay_(decay), average_(params.values().begin(), params.values().end()) {
  if (!(decay >= 0 && decay < 1)) {
    throw std::invalid_argument("ema: decay " + std::to_string(decay) + " is not in [0, 1)");
  }
}

void Ema::update(const ad::Params& params) {
  const Real keep = Real(decay_);
  const std::span<const Real> now = params.values();
  for (std::size_t i = 0; i < average_.size(); ++i) {
    average_[i] = keep * average_[i] + (1 - keep) * now[i];
  }
}

void Ema::swap(ad::Params& params) { std::ranges::swap_ranges(params.mutate(), average_); }

}  // namespace eqp::train
