#include <vector>

#include "train/checks.hpp"
#include "train/optimiser.hpp"
#include "train/optimisers/pieces.hpp"

namespace eqp::train {
namespace {

struct LionStep {
  Real b1, b2, rate, keep;
};

void lion_step(const LionStep s, std::size_t n, const Real* g, Real* m, Real* x) {
  for (std::size_t i = 0; i < n; ++i) {
    const Real c = s.b1 * m[i] + (1 - s.b1) * g[i];
    const Real sign = c > 0 ? Real(1) : c < 0 ? Real(-1) : Real(0);
    x[i] = s.keep * x[i] - s.rate * sign;
    m[i] = s.b2 * m[i] + (1 - s.b2) * g[i];
  }
}

class Lion final : public Optimiser {
 public:
  explicit Lion(LionOptions options) : o_(options) {
    need_share("lion: beta1", o_.beta1);
    need_share("lion: beta2", o_.beta2);
    need_at_least_0("lion: weight_decay", o_.weight_decay);
  }

  void step(std::span<Real> params, std::span<const Real> g, double learning_rate) override {
    m_.resize(params.size());
    const LionStep step{.b1 = Real(o_.beta1),
                        .b2 = Real(o_.beta2),
                        .rate = Real(learning_rate),
                        .keep = Real(1 - learning_rate * o_.weight_decay)};
    in_pieces(params.size(), [&](std::size_t at, std::size_t n) {
      lion_step(step, n, &g[at], &m_[at], &params[at]);
    });
  }

  void archive(ad::Archive& a) override { a("m", m_); }

 private:
  LionOptions o_;
  std::vector<Real> m_;
};

}  // namespace

std::unique_ptr<Optimiser> lion(LionOptions options) { return std::make_unique<Lion>(options); }

}  // namespace eqp::train
