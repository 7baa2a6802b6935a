#pragma once

#include <cmath>

#include "flows/bijection.hpp"

namespace eqp::mcmc::test {

/// A fixed map of the plane whose volume changes from place to place: x = (0.2 + 1.3 z_0,
/// z_1 exp(tanh(z_0) / 2) - 0.4).
class Bend : public flows::Bijection {
 public:
  Bend() : Bijection("bend", 2) {}

 private:
  static ad::Var column(ad::Var x, std::size_t j) { return slice(x, 1, j, j + 1); }
  static ad::Var flat(ad::Var x) { return reshape(x, {x.shape()[0]}); }

  flows::Mapped push(ad::Var z, ad::Var) const override {
    const ad::Var a = column(z, 0), s = 0.5 * tanh(a);
    return {ad::concat({0.2 + 1.3 * a, column(z, 1) * exp(s) - 0.4}, 1), flat(s) + std::log(1.3)};
  }
  flows::Mapped pull(ad::Var x, ad::Var) const override {
    const ad::Var a = (column(x, 0) - 0.2) / 1.3, s = 0.5 * tanh(a);
    return {ad::concat({a, (column(x, 1) + 0.4) * exp(-s)}, 1), -flat(s) - std::log(1.3)};
  }
};

}  // namespace eqp::mcmc::test
