#pragma once

#include <vector>

#include "autodiff/random.hpp"
#include "flows/bijection.hpp"

namespace eqp::flows {

/// Coordinate j of the result is coordinate order[j] of the input; volume is kept.
class Permutation : public Bijection {
 public:
  /// Throws std::invalid_argument unless `order` holds 0 ... d - 1, each once.
  explicit Permutation(std::vector<std::size_t> order);

 private:
  Mapped push(ad::Var z, ad::Var context) const override;
  Mapped pull(ad::Var x, ad::Var context) const override;

  std::vector<std::size_t> order_, inverse_;
};

/// The coordinates in opposite order.
Permutation reversal(std::size_t dim);
/// In a random order.
Permutation shuffle(std::size_t dim, ad::Key key);

}  // namespace eqp::flows
