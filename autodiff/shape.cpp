#include "autodiff/shape.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace eqp::ad {

Shape::Shape(std::span<const std::size_t> dims) : rank_(dims.size()) {
  if (dims.size() > kMaxRank) {
    throw std::invalid_argument("shape: " + std::to_string(dims.size()) + " dimensions; at most " +
                                std::to_string(kMaxRank) + " are supported");
  }
  std::ranges::copy(dims, dims_.begin());
}

Shape batch_shape(std::size_t rows, const Shape& row) {
  std::vector<std::size_t> dims{rows};
  dims.insert(dims.end(), row.dims().begin(), row.dims().end());
  return Shape(std::span<const std::size_t>(dims));
}

std::string str(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    text += (i ? ", " : "") + std::to_string(shape[i]);
  }
  return text + ")";
}

Shape broadcast_shape(const char* who, const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  const std::size_t offset = longer.rank() - shorter.rank();
  for (std::size_t i = 0; i < shorter.rank(); ++i) {
    const std::size_t l = longer[offset + i], s = shorter[i];
    if (l != s && l != 1 && s != 1) {
      throw std::invalid_argument(std::string(who) + ": " + str(a) + " and " + str(b) +
                                  " do not broadcast");
    }
    result[offset + i] = l == 1 ? s : l;
  }
  return result;
}

}  // namespace eqp::ad
