#include "autodiff/ops/planes.hpp"

#include <algorithm>
#include <type_traits>

namespace eqp::ad {
namespace {

// Tile positions [begin, end) that lie inside a plane, along one axis.
struct Inside {
  std::size_t begin, end;
};

Inside inside(std::ptrdiff_t first, std::size_t step, std::size_t n, std::size_t extent) {
  const auto by = std::ptrdiff_t(step), size = std::ptrdiff_t(extent);
  const std::ptrdiff_t begin = first >= 0 ? 0 : (by - 1 - first) / by;
  const std::ptrdiff_t end = first >= size ? 0 : (size - 1 - first) / by + 1;
  const std::size_t last = std::min(n, std::size_t(end));
  return {std::min(std::size_t(begin), last), last};
}

std::size_t position(std::ptrdiff_t first, std::size_t k, std::size_t step) {
  return std::size_t(first + std::ptrdiff_t(k * step));
}

// A step the compiler knows lets it use shuffles.
template <class F>
void with_step(std::size_t step, F f) {
  if (step == 1) return f(std::integral_constant<std::size_t, 1>());
  if (step == 2) return f(std::integral_constant<std::size_t, 2>());
  f(step);
}

}  // namespace

void load_tile(const Planes<const Real>& plane, const Lattice& at, const Planes<Real>& tile) {
  const Inside rows = inside(at.row, at.row_step, tile.rows, plane.rows);
  const Inside columns = inside(at.column, at.column_step, tile.columns, plane.columns);
  with_step(at.column_step, [&](auto step) {
    for (std::size_t k = 0; k < tile.channels; ++k) {
      for (std::size_t r = 0; r < tile.rows; ++r) {
        Real* line = tile.data + k * tile.channel + r * tile.row;
        if (r < rows.begin || r >= rows.end || columns.begin == columns.end) {
          std::fill_n(line, tile.columns, Real(0));
          continue;
        }
        const Real* from = plane.data + k * plane.channel +
                           position(at.row, r, at.row_step) * plane.row +
                           position(at.column, columns.begin, step);
        const std::size_t n = columns.end - columns.begin;
        for (std::size_t s = 0; s < columns.begin; ++s) line[s] = 0;
        for (std::size_t s = 0; s < n; ++s) line[columns.begin + s] = from[s * step];
        for (std::size_t s = columns.end; s < tile.columns; ++s) line[s] = 0;
      }
    }
  });
}

void store_tile(const Planes<const Real>& tile, const Real* bias, const Lattice& at,
                const Planes<Real>& plane) {
  const Inside rows = inside(at.row, at.row_step, tile.rows, plane.rows);
  const Inside columns = inside(at.column, at.column_step, tile.columns, plane.columns);
  const std::size_t n = columns.end - columns.begin;
  if (n == 0) return;
  with_step(at.column_step, [&](auto step) {
    for (std::size_t k = 0; k < tile.channels; ++k) {
      const Real shift = bias ? bias[k] : Real(0);
      for (std::size_t r = rows.begin; r < rows.end; ++r) {
        const Real* line = tile.data + k * tile.channel + r * tile.row + columns.begin;
        Real* to = plane.data + k * plane.channel + position(at.row, r, at.row_step) * plane.row +
                   position(at.column, columns.begin, step);
        for (std::size_t s = 0; s < n; ++s) to[s * step] = line[s] + shift;
      }
    }
  });
}

}  // namespace eqp::ad
