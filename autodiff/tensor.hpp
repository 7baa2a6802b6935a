#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

#include "autodiff/real.hpp"
#include "autodiff/shape.hpp"

namespace eqp::ad {

/// A row-major array somebody else owns: a pointer and a shape. T is Real or const Real.
template <class T>
struct BasicView {
  T* data = nullptr;
  Shape shape;

  std::size_t size() const { return shape.size(); }
  /// Extent of the first axis; 1 for a scalar.
  std::size_t rows() const { return shape.rank() == 0 ? 1 : shape[0]; }
  /// Elements per row: the product of the other extents.
  std::size_t cols() const { return rows() == 0 ? 0 : size() / rows(); }
  std::span<T> flat() const { return {data, size()}; }
  std::span<T> row(std::size_t i) const { return {data + i * cols(), cols()}; }
  T& operator[](std::size_t i) const { return data[i]; }
  T& operator()(std::size_t i, std::size_t j) const { return data[i * cols() + j]; }
  /// Rows [first, first + count) as a view of the same memory.
  BasicView slice(std::size_t first, std::size_t count) const {
    BasicView part{data + first * cols(), shape};
    part.shape[0] = count;
    return part;
  }
  operator BasicView<const T>() const requires(!std::is_const_v<T>) { return {data, shape}; }
};

using View = BasicView<Real>;
using ConstView = BasicView<const Real>;

/// Memory is aligned to the widest vector register and to a cache line.
inline constexpr std::size_t kAlignment = 64;

struct AlignedFree {
  void operator()(Real* p) const { std::free(p); }
};
using AlignedArray = std::unique_ptr<Real[], AlignedFree>;
/// `size` zeros, aligned to kAlignment. Throws std::bad_alloc.
AlignedArray aligned_array(std::size_t size);

/// An owning row-major array with value semantics, zero-initialised.
class Tensor {
 public:
  Tensor() : Tensor(Shape{0}) {}
  explicit Tensor(const Shape& shape) : shape_(shape), data_(aligned_array(shape.size())) {}
  explicit Tensor(ConstView v) : Tensor(v.shape) { std::ranges::copy(v.flat(), data_.get()); }
  Tensor(const Tensor& other) : Tensor(other.view()) {}
  Tensor(Tensor&& other) noexcept
      : shape_(std::exchange(other.shape_, Shape{0})), data_(std::move(other.data_)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Tensor() = default;

  /// The same memory in another shape. Throws std::invalid_argument unless it has as many elements.
  Tensor reshaped(const Shape& shape) &&;

  const Shape& shape() const { return shape_; }
  std::size_t size() const { return shape_.size(); }
  std::size_t rows() const { return view().rows(); }
  std::size_t cols() const { return view().cols(); }
  View view() { return {data_.get(), shape_}; }
  ConstView view() const { return {data_.get(), shape_}; }
  operator View() { return view(); }
  operator ConstView() const { return view(); }
  std::span<Real> flat() { return view().flat(); }
  std::span<const Real> flat() const { return view().flat(); }
  std::span<Real> row(std::size_t i) { return view().row(i); }
  std::span<const Real> row(std::size_t i) const { return view().row(i); }
  Real& operator[](std::size_t i) { return data_[i]; }
  Real operator[](std::size_t i) const { return data_[i]; }
  Real& operator()(std::size_t i, std::size_t j) { return view()(i, j); }
  Real operator()(std::size_t i, std::size_t j) const { return view()(i, j); }

 private:
  Shape shape_;
  AlignedArray data_;
};

}  // namespace eqp::ad
