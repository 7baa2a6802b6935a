#include "autodiff/ops/transpose.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace eqp::ad {
namespace {

using Vector [[gnu::vector_size(64)]] = Real;
constexpr std::size_t kTile = sizeof(Vector) / sizeof(Real);

// A tile in registers: each round puts rows i and i + half of them side by side, element by
// element, and as many rounds as halvings make the transpose.
template <std::size_t... l>
[[gnu::always_inline]] inline void transpose_tile(const Real* from, std::size_t cols, Real* to,
                                                  std::size_t rows, std::index_sequence<l...>) {
  constexpr std::size_t half = kTile / 2;
  Vector row[kTile], next[kTile];
  for (std::size_t i = 0; i < kTile; ++i) std::memcpy(&row[i], from + i * cols, sizeof(Vector));
#pragma GCC unroll 4
  for (std::size_t round = 1; round < kTile; round *= 2) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < half; ++i) {
      next[2 * i] = __builtin_shufflevector(row[i], row[i + half], l / 2 + l % 2 * kTile...);
      next[2 * i + 1] =
          __builtin_shufflevector(row[i], row[i + half], half + l / 2 + l % 2 * kTile...);
    }
    std::ranges::copy(next, row);
  }
  for (std::size_t i = 0; i < kTile; ++i) std::memcpy(to + i * rows, &row[i], sizeof(Vector));
}

}  // namespace

void transpose_matrix(const Real* from, Real* to, std::size_t rows, std::size_t cols) {
  for (std::size_t i0 = 0; i0 < rows; i0 += kTile) {
    for (std::size_t j0 = 0; j0 < cols; j0 += kTile) {
      const std::size_t i1 = std::min(i0 + kTile, rows), j1 = std::min(j0 + kTile, cols);
      if (i1 - i0 == kTile && j1 - j0 == kTile) {
        transpose_tile(from + i0 * cols + j0, cols, to + j0 * rows + i0, rows,
                       std::make_index_sequence<kTile>());
        continue;
      }
      for (std::size_t j = j0; j < j1; ++j) {
        for (std::size_t i = i0; i < i1; ++i) to[j * rows + i] = from[i * cols + j];
      }
    }
  }
}

}  // namespace eqp::ad
