#pragma once

#include "autodiff/ops/planes.hpp"
#include "autodiff/parallel.hpp"

// How a convolution is cut. Nothing is unrolled in memory (no im2col): a tile holds a part of an
// image once, zeros around it included, and what a tap of the kernel sees is a shifted view of it.
// Positions equal modulo the stride lie together, as a phase of the tile, so that these views are
// contiguous at any stride. A view runs on over the few columns between one row of the window and
// the next: results there are computed and thrown away.
namespace eqp::ad {

/// One spatial axis. Tap i of position q of the coarse grid is at q stride + i - padding of the
/// fine grid.
struct ConvAxis {
  std::size_t kernel, stride, padding;

  /// Tap i is step i / stride of phase i % stride: how many phases there are, and the last step.
  std::size_t phases() const { return std::min(kernel, stride); }
  std::size_t reach() const { return (kernel - 1) / stride; }
  /// Positions of the coarse grid over an extent of the fine one.
  std::size_t convolved(std::size_t fine) const {
    return (fine + 2 * padding - kernel) / stride + 1;
  }
  std::ptrdiff_t place(std::size_t q, std::size_t phase) const {
    return std::ptrdiff_t(q * stride + phase) - std::ptrdiff_t(padding);
  }
};

/// What the kernels share: images x on the fine grid and y on the coarse one. Weights are
/// (taps, channels in, channels out), of the grid they lead from and of that they lead to.
struct Convolution {
  std::size_t images;
  Image fine, coarse;
  ConvAxis rows, columns;

  std::size_t taps() const { return rows.kernel * columns.kernel; }
  /// Multiplications of one image, those with zeros around it included.
  std::size_t products() const { return fine.channels * taps() * coarse.size(); }
};

/// Elements of a tile, and positions of a window.
inline constexpr std::size_t kConvTile = (std::size_t(96) << 10) / sizeof(Real);
inline constexpr std::size_t kConvWindow = 1024 / sizeof(Real);

/// A rectangle of the coarse grid.
struct ConvWindow {
  std::size_t row, column, rows, columns;
};

/// The array that is loaded into tiles, in all phases if it is the fine one.
enum class ConvGrid { fine, coarse };

/// The cut of an image into windows, and of its channels into tiles.
struct ConvTiles {
  /// Throws std::invalid_argument when a tile of one channel at one position is too large.
  ConvTiles(const Convolution& c, ConvGrid grid);

  std::size_t first_row, first_column;  // where windows begin
  Blocks rows, columns, channels;
  std::size_t height, width;  // of a phase: what the taps of a window reach
  std::size_t plane;          // elements from a channel to the next

  std::size_t phase() const { return height * width; }
  /// Elements from the first position of a window to the last, as views have them.
  std::size_t length(const ConvWindow& w) const { return (w.rows - 1) * width + w.columns; }
  /// A phase of a window's tile.
  Planes<Real> planes(const ConvWindow& w, std::size_t count, Real* tile) const {
    return {tile, count, w.rows + height - rows.block, width, plane, width};
  }

  template <class F>
  void for_each_window(F f) const {
    for (std::size_t r = 0; r < rows.count(); ++r) {
      for (std::size_t s = 0; s < columns.count(); ++s) {
        f(ConvWindow{first_row + rows.first(r), first_column + columns.first(s), rows.size(r),
                     columns.size(s)});
      }
    }
  }
};

/// n cut evenly into blocks of at most `most`.
Blocks balanced(std::size_t n, std::size_t most);

/// Images of a parallel task: all, if they are a block of rows.
std::size_t images_of_task(const Convolution& c);

/// Loads channels of x, in every phase of a window's tile.
void load_fine(const Convolution& c, const ConvTiles& tiles, const ConvWindow& window,
               const Planes<const Real>& x, Real* tile);
/// Where tap (i, j) sees such a tile.
std::size_t view_of_fine(const Convolution& c, const ConvTiles& tiles, std::size_t i,
                         std::size_t j);

}  // namespace eqp::ad
