#include <cmath>
#include <string>
#include <vector>

#include "train/checks.hpp"
#include "train/optimiser.hpp"
#include "train/optimisers/pieces.hpp"

namespace eqp::train {
namespace {

struct AdamStep {
  Real b1, b2, epsilon, unbias2, rate, keep;
};

void adam_step(const AdamStep s, std::size_t n, const Real* g, Real* m, Real* v, Real* x) {
  for (std::size_t i = 0; i < n; ++i) {
    m[i] = s.b1 * m[i] + (1 - s.b1) * g[i];
    v[i] = s.b2 * v[i] + (1 - s.b2) * g[i] * g[i];
    x[i] = s.keep * x[i] - s.rate * m[i] / (std::sqrt(v[i]) * s.unbias2 + s.epsilon);
  }
}

class Adam final : public Optimiser {
 public:
  Adam(const std::string& name, AdamOptions options) : o_(options) {
    need_share(name + ": beta1", o_.beta1);
    need_share(name + ": beta2", o_.beta2);
    need_above_0(name + ": epsilon", o_.epsilon);
    need_at_least_0(name + ": weight_decay", o_.weight_decay);
  }

  void step(std::span<Real> params, std::span<const Real> g, double learning_rate) override {
    m_.resize(params.size());
    v_.resize(params.size());
    ++t_;
    // Of the betas as Real has them: 1 - 0.999 is off by 1e-5 of itself in single precision.
    const Real b1 = Real(o_.beta1), b2 = Real(o_.beta2);
    const AdamStep step{.b1 = b1,
                        .b2 = b2,
                        .epsilon = Real(o_.epsilon),
                        .unbias2 = Real(1 / std::sqrt(1 - std::pow(double(b2), t_))),
                        .rate = Real(learning_rate / (1 - std::pow(double(b1), t_))),
                        .keep = Real(1 - learning_rate * o_.weight_decay)};
    in_pieces(params.size(), [&](std::size_t at, std::size_t n) {
      adam_step(step, n, &g[at], &m_[at], &v_[at], &params[at]);
    });
  }

  void archive(ad::Archive& a) override {
    a("m", m_);
    a("v", v_);
    a("t", t_);
  }

 private:
  AdamOptions o_;
  std::vector<Real> m_, v_;
  double t_ = 0;
};

}  // namespace

std::unique_ptr<Optimiser> adam(AdamOptions options) {
  return std::make_unique<Adam>("adam", options);
}

std::unique_ptr<Optimiser> adamw(AdamWOptions o) {
  return std::make_unique<Adam>("adamw", AdamOptions{.beta1 = o.beta1,
                                                     .beta2 = o.beta2,
                                                     .epsilon = o.epsilon,
                                                     .weight_decay = o.weight_decay});
}

}  // namespace eqp::train
