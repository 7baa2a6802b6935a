#pragma once

#include <cmath>
#include <numbers>

#include "tests/train/support.hpp"
#include "train/adaptive_flow.hpp"

// Two modes of unequal width whose weights are one parameter: the base has half of its mass on
// either side, and E(x) = -theta [x_0 > 0] gives the right side sigmoid(theta) of the model's.
namespace eqp::train {

inline constexpr double kLeft = 0.05, kRight = 0.1;  // variances of the modes at -1.5 and 1.5
inline constexpr double kWeight = 2. / 3;            // of the right mode in the data

// x_0 from the mixture, by the sign of the second normal; x_1 is the logarithm of its size, which
// the sign leaves independent.
class TwoModes final : public flows::Base {
 public:
  std::size_t dim() const override { return 2; }
  ad::Var draw(ad::Var noise) const override {
    const ad::Var a = slice(noise, 1, 0, 1), b = slice(noise, 1, 1, 2);
    const ad::Var right = greater(b, full(*noise.tape, b.shape(), 0));
    return ad::concat({where(right, a * std::sqrt(kRight) + 1.5, a * std::sqrt(kLeft) - 1.5),
                       0.5 * log(square(b))},
                      1);
  }
  ad::Var log_prob(ad::Var z) const override {
    const ad::Var x = slice(z, 1, 0, 1), y = slice(z, 1, 1, 2);
    const ad::Var left = polynomial(square(x + 1.5), {-0.5 * std::log(kLeft), -0.5 / kLeft});
    const ad::Var right = polynomial(square(x - 1.5), {-0.5 * std::log(kRight), -0.5 / kRight});
    return ad::logsumexp(ad::concat({left, right}, 1), 1) + sum(y - 0.5 * exp(2 * y), 1) -
           std::log(2 * std::numbers::pi);
  }
};

struct TwoModesModel {
  ad::Params params, flow_params;
  ad::Param theta = scalar(params, "theta", 0);
  flows::Flow flow{std::make_shared<TwoModes>(), {}};
  mcmc::Energy energy = tilted(
      [this](ad::Var x) {
        const ad::Var x0 = slice(x, 1, 0, 1);
        return sum(-theta.on(*x.tape) * greater(x0, full(*x.tape, x0.shape(), 0)), 1);
      },
      flow);
};

inline void two_modes_data(std::uint32_t t, ad::View out) {
  const ad::BlockRng rng{{1}, t};
  rng.normal(out);
  for (std::size_t i = 0; i < out.rows(); ++i) {
    const bool right = rng.uniform(i) < kWeight;
    out(i, 0) = Real(double(out(i, 0)) * std::sqrt(right ? kRight : kLeft) + (right ? 1.5 : -1.5));
    out(i, 1) = Real(std::log(std::abs(double(out(i, 1)))));
  }
}

inline double share_on_the_right(ad::ConstView x) {
  double count = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) count += x(i, 0) > 0;
  return count / double(x.rows());
}

}  // namespace eqp::train
