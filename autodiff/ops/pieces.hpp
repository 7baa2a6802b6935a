#pragma once

#include <algorithm>
#include <cstddef>

// Kernels on large arrays. Blocks of rows run in parallel above programs; a program for a whole
// batch has arrays that are worth the other cores by themselves.
namespace eqp::ad {

/// Elements of a task, the last one apart: more than a value of a block of rows has, unless it is
/// wider than 512.
inline constexpr std::size_t kPiece = std::size_t(1) << 15;

/// task(context, first, last) on [0, piece), [piece, 2 piece), ... [.., n), in any order, in
/// parallel.
void run_pieces(std::size_t n, std::size_t piece,
                void (*task)(const void* context, std::size_t first, std::size_t last),
                const void* context);

/// f(first, last) on a partition of [0, n) that depends on n and `piece` alone.
template <class F>
void in_pieces(std::size_t n, std::size_t piece, const F& f) {
  if (n <= piece) {
    f(std::size_t(0), n);
    return;
  }
  run_pieces(
      n, piece,
      [](const void* context, std::size_t first, std::size_t last) {
        (*static_cast<const F*>(context))(first, last);
      },
      &f);
}

/// The rows of an array that make about one piece.
inline std::size_t rows_of_piece(std::size_t columns) {
  return std::max<std::size_t>(kPiece / std::max<std::size_t>(columns, 1), 1);
}

}  // namespace eqp::ad
