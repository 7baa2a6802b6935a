#include "train/optimiser.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "autodiff/sum_of.hpp"

namespace eqp::train {
namespace {

constexpr std::size_t kPiece = std::size_t(1) << 14;  // parameters worth a task

struct AdamStep {
  Real b1, b2, epsilon, unbias2, rate, keep;
};

// Coefficients by value: to references the stores might write, and nothing would be vectorised.
void adam_step(const AdamStep s, std::size_t n, const Real* g, Real* m, Real* v, Real* x) {
  for (std::size_t i = 0; i < n; ++i) {
    m[i] = s.b1 * m[i] + (1 - s.b1) * g[i];
    v[i] = s.b2 * v[i] + (1 - s.b2) * g[i] * g[i];
    x[i] = s.keep * x[i] - s.rate * m[i] / (std::sqrt(v[i]) * s.unbias2 + s.epsilon);
  }
}

class Adam final : public Optimiser {
 public:
  explicit Adam(AdamOptions options) : o_(options) {}

  void step(std::span<Real> params, std::span<const Real> g, double learning_rate) override {
    m_.resize(params.size());
    v_.resize(params.size());
    ++t_;
    const AdamStep step{.b1 = Real(o_.beta1),
                        .b2 = Real(o_.beta2),
                        .epsilon = Real(o_.epsilon),
                        .unbias2 = Real(1 / std::sqrt(1 - std::pow(o_.beta2, t_))),
                        .rate = Real(learning_rate / (1 - std::pow(o_.beta1, t_))),
                        .keep = Real(1 - learning_rate * o_.weight_decay)};
    const ad::Blocks pieces{params.size(), kPiece};
    ad::parallel_for(pieces.count(), [&](std::size_t p) {
      const std::size_t at = pieces.first(p);
      adam_step(step, pieces.size(p), &g[at], &m_[at], &v_[at], &params[at]);
    });
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
