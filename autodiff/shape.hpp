#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

namespace eqp::ad {

/// The extents of an array, outermost first; rank 0 is a scalar. A value of fixed size, never on
/// the heap.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::size_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  /// Throws std::invalid_argument above kMaxRank dimensions.
  explicit Shape(std::span<const std::size_t> dims);

  std::size_t rank() const { return rank_; }
  std::size_t operator[](std::size_t axis) const { return dims_[axis]; }
  std::size_t& operator[](std::size_t axis) { return dims_[axis]; }
  std::span<const std::size_t> dims() const { return {dims_.data(), rank_}; }
  /// Number of elements; 1 for a scalar.
  std::size_t size() const {
    std::size_t n = 1;
    for (std::size_t i = 0; i < rank_; ++i) n *= dims_[i];
    return n;
  }
  bool operator==(const Shape&) const = default;

 private:
  std::array<std::size_t, kMaxRank> dims_{};  // zero beyond rank_, so that == compares values
  std::size_t rank_ = 0;
};

/// (rows, row...): the shape of a batch. Throws std::invalid_argument above Shape::kMaxRank.
Shape batch_shape(std::size_t rows, const Shape& row);

/// "(64, 3)"
std::string str(const Shape& shape);

/// NumPy's rule: align at the right, extents equal or 1. Throws std::invalid_argument naming `who`.
Shape broadcast_shape(const char* who, const Shape& a, const Shape& b);

}  // namespace eqp::ad
