#pragma once

#include "flows/flow.hpp"

namespace eqp::flows {

/// Coordinate j of the result is coordinate order[j] of the input; volume is kept.
class Permutation : public Bijection {
 public:
  /// Throws std::invalid_argument unless `order` holds 0 ... d - 1, each once.
  explicit Permutation(std::vector<std::size_t> order);

  Mapped forward(ad::Var z) const override;
  Mapped inverse(ad::Var x) const override;

 private:
  std::vector<std::size_t> order_, inverse_;
};

/// The coordinates in opposite order.
Permutation reversal(std::size_t dim);

}  // namespace eqp::flows
