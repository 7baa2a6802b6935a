#include "flows/monotone.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace eqp::flows {

ad::Var row(ad::Var matrix, std::size_t i) {
  return reshape(slice(matrix, 0, i, i + 1), {matrix.shape()[1]});
}

namespace {

class AffineMap : public Monotone {
 public:
  explicit AffineMap(double cap) : cap_(cap) {
    if (cap > 0 && std::isfinite(cap)) return;
    throw std::invalid_argument("affine_map: cap " + std::to_string(cap) +
                                "; need a finite number above 0");
  }

  std::size_t n_params() const override { return 2; }

  Value forward(ad::Var x, ad::Var raw) const override {
    const ad::Var s = cap_ * tanh(row(raw, 0) / cap_);
    return {x * exp(s) + row(raw, 1), s};
  }

  Value inverse(ad::Var y, ad::Var raw) const override {
    const ad::Var minus_s = -cap_ * tanh(row(raw, 0) / cap_);
    return {(y - row(raw, 1)) * exp(minus_s), minus_s};
  }

 private:
  double cap_;
};

}  // namespace

std::shared_ptr<const Monotone> affine_map(double cap) { return std::make_shared<AffineMap>(cap); }

}  // namespace eqp::flows
