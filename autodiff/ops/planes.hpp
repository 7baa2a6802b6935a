#pragma once

#include <cstddef>

#include "autodiff/real.hpp"

// Parts of images, copied.
namespace eqp::ad {

/// Extents of an image, channel by channel in memory.
struct Image {
  std::size_t channels, rows, columns;

  std::size_t plane() const { return rows * columns; }
  std::size_t size() const { return channels * plane(); }
};

/// Some channels of an image or of a tile.
template <class T>
struct Planes {
  T* data;
  std::size_t channels, rows, columns;
  std::size_t channel, row;  // elements from one to the next
};

/// `count` channels of an image from `first` on.
template <class T>
Planes<T> planes(const Image& image, T* data, std::size_t first, std::size_t count) {
  return {
      data + first * image.plane(), count, image.rows, image.columns, image.plane(), image.columns};
}

/// Where a tile lies in a plane: its (r, s) is the plane's (row + r row_step, column + s
/// column_step).
struct Lattice {
  std::ptrdiff_t row, column;
  std::size_t row_step = 1, column_step = 1;
};

/// tile = plane on the lattice, zero where it lies outside.
void load_tile(const Planes<const Real>& plane, const Lattice& at, const Planes<Real>& tile);
/// plane on the lattice = tile, where it lies inside, plus a number per channel (null: none).
void store_tile(const Planes<const Real>& tile, const Real* bias, const Lattice& at,
                const Planes<Real>& plane);

}  // namespace eqp::ad
