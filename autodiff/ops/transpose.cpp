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
[[gnu::always_inline]] inline void transpose_tile(const Matrix<const Real>& from,
                                                  const Matrix<Real>& to,
                                                  std::index_sequence<l...>) {
  constexpr std::size_t half = kTile / 2;
  Vector row[kTile], next[kTile];
  for (std::size_t i = 0; i < kTile; ++i) {
    std::memcpy(&row[i], from.data + i * from.row, sizeof(Vector));
  }
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
  for (std::size_t i = 0; i < kTile; ++i) {
    std::memcpy(to.data + i * to.row, &row[i], sizeof(Vector));
  }
}

}  // namespace

void transpose_matrix(const Matrix<const Real>& from, const Matrix<Real>& to, std::size_t rows,
                      std::size_t cols) {
  if (rows < kTile || cols < kTile) {
    for (std::size_t j = 0; j < cols; ++j) {
      for (std::size_t i = 0; i < rows; ++i) to.data[j * to.row + i] = from.data[i * from.row + j];
    }
    return;
  }
  // The last tiles reach back into those before them: no element goes alone.
  for (std::size_t i = 0; i < rows; i += kTile) {
    const std::size_t i0 = std::min(i, rows - kTile);
    for (std::size_t j = 0; j < cols; j += kTile) {
      const std::size_t j0 = std::min(j, cols - kTile);
      transpose_tile({from.data + i0 * from.row + j0, from.row},
                     {to.data + j0 * to.row + i0, to.row}, std::make_index_sequence<kTile>());
    }
  }
}

}  // namespace eqp::ad
