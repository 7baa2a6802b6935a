#include <algorithm>
#include <cmath>
#include <vector>

#include "train/checks.hpp"
#include "train/optimiser.hpp"
#include "train/optimisers/pieces.hpp"

namespace eqp::train {
namespace {

struct AdamaxStep {
  Real b1, b2, epsilon, rate;
};

void adamax_step(const AdamaxStep s, std::size_t n, const Real* g, Real* m, Real* u, Real* x) {
  for (std::size_t i = 0; i < n; ++i) {
    m[i] = s.b1 * m[i] + (1 - s.b1) * g[i];
    u[i] = std::max(s.b2 * u[i], std::abs(g[i]) + s.epsilon);
    x[i] -= s.rate * m[i] / u[i];
  }
}

class Adamax final : public Optimiser {
 public:
  explicit Adamax(AdamaxOptions options) : o_(options) {
    need_share("adamax: beta1", o_.beta1);
    need_share("adamax: beta2", o_.beta2);
    need_above_0("adamax: epsilon", o_.epsilon);
  }

  void step(std::span<Real> params, std::span<const Real> g, double learning_rate) override {
    m_.resize(params.size());
    u_.resize(params.size());
    ++t_;
    const Real b1 = Real(o_.beta1);
    const AdamaxStep step{.b1 = b1,
                          .b2 = Real(o_.beta2),
                          .epsilon = Real(o_.epsilon),
                          .rate = Real(learning_rate / (1 - std::pow(double(b1), t_)))};
    in_pieces(params.size(), [&](std::size_t at, std::size_t n) {
      adamax_step(step, n, &g[at], &m_[at], &u_[at], &params[at]);
    });
  }

  void archive(ad::Archive& a) override {
    a("m", m_);
    a("u", u_);
    a("t", t_);
  }

 private:
  AdamaxOptions o_;
  std::vector<Real> m_, u_;
  double t_ = 0;
};

}  // namespace

std::unique_ptr<Optimiser> adamax(AdamaxOptions options) {
  return std::make_unique<Adamax>(options);
}

}  // namespace eqp::train
