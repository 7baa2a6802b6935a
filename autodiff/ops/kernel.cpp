#include "autodiff/ops/kernel.hpp"

#include <stdexcept>

namespace eqp::ad {

Shape equal_shapes(const char* who, std::span<const Var> in) {
  for (Var v : in) {
    if (v.shape() != in[0].shape()) {
      throw std::invalid_argument(std::string(who) + ": shapes " + str(in[0].shape()) + " and " +
                                  str(v.shape()) + " differ");
    }
  }
  return in[0].shape();
}

Var broadcast_binary(const Op& op, Var a, Var b) {
  const Shape shape = broadcast_shape(op.name, a.shape(), b.shape());
  return record(op, {broadcast_to(a, shape), broadcast_to(b, shape)});
}

void check_axis(const char* who, const Shape& shape, std::size_t axis) {
  if (axis >= shape.rank()) {
    throw std::invalid_argument(std::string(who) + ": axis " + std::to_string(axis) + " of " +
                                str(shape) + ": need less than " + std::to_string(shape.rank()));
  }
}

Split split_at(const Shape& shape, std::size_t axis) {
  Split s;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    (i < axis ? s.outer : i == axis ? s.n : s.inner) *= shape[i];
  }
  return s;
}

}  // namespace eqp::ad
