#include <vector>

#include "train/checks.hpp"
#include "train/optimiser.hpp"
#include "train/optimisers/pieces.hpp"

namespace eqp::train {
namespace {

struct SgdStep {
  Real momentum, of_gradient, of_velocity, rate;
};

void sgd_step(const SgdStep s, std::size_t n, const Real* g, Real* v, Real* x) {
  for (std::size_t i = 0; i < n; ++i) {
    v[i] = s.momentum * v[i] + g[i];
    x[i] -= s.rate * (s.of_gradient * g[i] + s.of_velocity * v[i]);
  }
}

class Sgd final : public Optimiser {
 public:
  explicit Sgd(SgdOptions options) : o_(options) { need_share("sgd: momentum", o_.momentum); }

  void step(std::span<Real> params, std::span<const Real> g, double learning_rate) override {
    velocity_.resize(params.size());
    const SgdStep step{.momentum = Real(o_.momentum),
                       .of_gradient = Real(o_.nesterov ? 1 : 0),
                       .of_velocity = Real(o_.nesterov ? o_.momentum : 1),
                       .rate = Real(learning_rate)};
    in_pieces(params.size(), [&](std::size_t at, std::size_t n) {
      sgd_step(step, n, &g[at], &velocity_[at], &params[at]);
    });
  }

  void archive(ad::Archive& a) override { a("velocity", velocity_); }

 private:
  SgdOptions o_;
  std::vector<Real> velocity_;
};

}  // namespace

std::unique_ptr<Optimiser> sgd(SgdOptions options) { return std::make_unique<Sgd>(options); }

}  // namespace eqp::train
