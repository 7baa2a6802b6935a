#include "autodiff/ops/conv_tiles.hpp"

#include <stdexcept>
#include <string>

#include "autodiff/ops/gemm_sum.hpp"
#include "autodiff/tensor.hpp"

namespace eqp::ad {
namespace {

// A whole and odd number of cache lines, so that one place in many channels does not fall into a
// few sets of the cache.
std::size_t odd_lines(std::size_t n) {
  constexpr std::size_t line = kAlignment / sizeof(Real);
  return ((n + line - 1) / line | 1) * line;
}

}  // namespace

Blocks balanced(std::size_t n, std::size_t most) {
  const std::size_t count = (n + most - 1) / most;
  return {n, (n + count - 1) / count};
}

std::size_t images_of_task(const Convolution& c) {
  constexpr std::size_t kWork = std::size_t(1) << 22, kBlock = 64;
  return c.images <= kBlock ? kBlock : (kWork + c.products() - 1) / c.products();
}

ConvTiles::ConvTiles(const Convolution& c, ConvGrid grid) {
  const bool fine = grid == ConvGrid::fine;
  // Position p of the fine grid has its taps from (p + padding) / stride on, backwards.
  const auto first = [&](const ConvAxis& a) { return fine ? 0 : a.padding / a.stride; };
  const auto count = [&](const ConvAxis& a, std::size_t image, std::size_t result) {
    return fine ? result : (image - 1 + a.padding) / a.stride + 1 - first(a);
  };
  const std::size_t phases = fine ? c.rows.phases() * c.columns.phases() : 1;
  const std::size_t down = c.rows.reach(), right = c.columns.reach();
  first_row = first(c.rows);
  first_column = first(c.columns);
  for (std::size_t positions = kConvWindow; positions > 0; positions /= 2) {
    columns = balanced(count(c.columns, c.fine.columns, c.coarse.columns), positions);
    width = columns.block + right;
    rows = balanced(count(c.rows, c.fine.rows, c.coarse.rows),
                    std::clamp<std::size_t>((positions + right) / width, 1, GemmTerms::kMost));
    height = rows.block + down;
    plane = odd_lines(phases * phase());
    if (plane > kConvTile) continue;
    channels = balanced((fine ? c.fine : c.coarse).channels, kConvTile / plane);
    return;
  }
  throw std::invalid_argument("convolution: kernel (" + std::to_string(c.rows.kernel) + ", " +
                              std::to_string(c.columns.kernel) + "): too large for a tile of " +
                              std::to_string(kConvTile) + " positions");
}

void load_fine(const Convolution& c, const ConvTiles& tiles, const ConvWindow& window,
               const Planes<const Real>& x, Real* tile) {
  for (std::size_t a = 0; a < c.rows.phases(); ++a) {
    for (std::size_t b = 0; b < c.columns.phases(); ++b) {
      load_tile(x,
                {c.rows.place(window.row, a), c.columns.place(window.column, b), c.rows.stride,
                 c.columns.stride},
                tiles.planes(window, x.channels, tile));
      tile += tiles.phase();
    }
  }
}

std::size_t view_of_fine(const Convolution& c, const ConvTiles& tiles, std::size_t i,
                         std::size_t j) {
  const std::size_t phase = i % c.rows.stride * c.columns.phases() + j % c.columns.stride;
  return phase * tiles.phase() + i / c.rows.stride * tiles.width + j / c.columns.stride;
}

}  // namespace eqp::ad
