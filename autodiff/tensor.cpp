#include "autodiff/tensor.hpp"

#include <cstdlib>
#include <new>
#include <stdexcept>

namespace eqp::ad {

AlignedArray aligned_array(std::size_t size) {
  const std::size_t bytes = (size * sizeof(Real) + kAlignment - 1) / kAlignment * kAlignment;
  auto* p = static_cast<Real*>(std::aligned_alloc(kAlignment, std::max(bytes, kAlignment)));
  if (!p) throw std::bad_alloc();
  std::fill_n(p, size, Real(0));
  return AlignedArray(p);
}

Tensor Tensor::reshaped(const Shape& shape) && {
  if (shape.size() != size()) {
    throw std::invalid_argument("reshaped: " + str(shape_) + " has other elements than " +
                                str(shape));
  }
  Tensor result = std::move(*this);
  result.shape_ = shape;
  return result;
}

}  // namespace eqp::ad
