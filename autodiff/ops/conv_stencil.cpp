#include <algorithm>

#include "autodiff/ops/conv_kernels.hpp"
#include "autodiff/ops/conv_wide.hpp"
#include "autodiff/ops/gemm_sum.hpp"
#include "autodiff/ops/pieces.hpp"
#include "autodiff/ops/planes.hpp"
#include "autodiff/tensor.hpp"

namespace eqp::ad {
namespace {

// Channels of a window's result, and elements from one to the next: an odd number of cache lines.
constexpr std::size_t kChannels = 64, kRow = kConvWindow + kAlignment / sizeof(Real);

// The taps that make a part of the result: all, or those of one phase.
struct Taps {
  std::size_t row, column, row_step, column_step;
};

// A convolution, or its adjoint back to the fine grid, as products with the weights of each tap.
class Stencil {
 public:
  Stencil(const Convolution& c, ConvGrid from)
      : c_(c),
        down_(from == ConvGrid::fine),
        in_(down_ ? c.fine : c.coarse),
        out_(down_ ? c.coarse : c.fine),
        tiles_(c, from),
        channels_(balanced(out_.channels, kChannels)) {}

  void prepare() const {
    tiles_.for_each_window([&](const ConvWindow& window) {
      for (std::size_t m : {std::size_t(0), channels_.count() - 1}) {
        for (std::size_t k : {std::size_t(0), tiles_.channels.count() - 1}) {
          GemmSum shape = product(window, m, k);
          for (bool accumulate : {false, true}) {
            shape.accumulate = accumulate;
            prepare_gemm_sum(shape);
          }
        }
      }
    });
  }

  void run(const Real* in, const Real* w, const Real* bias, Real* out) const {
    in_pieces(c_.images, images_of_task(c_), [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        run_image(in + i * in_.size(), w, bias, out + i * out_.size());
      }
    });
  }

 private:
  void run_image(const Real* in, const Real* w, const Real* bias, Real* out) const {
    alignas(kAlignment) Real tile[kConvTile];
    alignas(kAlignment) Real sums[kChannels * kRow];
    tiles_.for_each_window([&](const ConvWindow& window) {
      std::size_t loaded = tiles_.channels.count();
      for (std::size_t m = 0; m < channels_.count(); ++m) {
        for_each_phase([&](const Taps& taps) {
          for (std::size_t k = 0; k < tiles_.channels.count(); ++k) {
            if (k != loaded) load(window, k, in, tile);
            loaded = k;
            add(window, taps, m, k, w, tile, sums);
          }
          store(window, taps, m, sums, bias, out);
        });
      }
    });
  }

  // With a stride, each phase of the fine grid has taps of its own.
  template <class F>
  void for_each_phase(F f) const {
    if (down_) return f(Taps{0, 0, 1, 1});
    for (std::size_t a = 0; a < c_.rows.stride; ++a) {
      for (std::size_t b = 0; b < c_.columns.stride; ++b) {
        f(Taps{a, b, c_.rows.stride, c_.columns.stride});
      }
    }
  }

  void load(const ConvWindow& window, std::size_t k, const Real* in, Real* tile) const {
    const Blocks& channels = tiles_.channels;
    const auto image = planes(in_, in, channels.first(k), channels.size(k));
    if (down_) return load_fine(c_, tiles_, window, image, tile);
    load_tile(image,
              {.row = std::ptrdiff_t(window.row) - std::ptrdiff_t(c_.rows.reach()),
               .column = std::ptrdiff_t(window.column) - std::ptrdiff_t(c_.columns.reach())},
              tiles_.planes(window, image.channels, tile));
  }

  std::size_t view(std::size_t i, std::size_t j) const {
    if (down_) return view_of_fine(c_, tiles_, i, j);
    return (c_.rows.reach() - i / c_.rows.stride) * tiles_.width +
           (c_.columns.reach() - j / c_.columns.stride);
  }

  GemmSum product(const ConvWindow& window, std::size_t m, std::size_t k) const {
    return {.m = channels_.size(m),
            .n = tiles_.length(window),
            .k = tiles_.channels.size(k),
            .row_a = out_.channels,
            .row_b = tiles_.plane,
            .row_c = kRow,
            .transpose_a = true,
            .accumulate = k > 0};
  }

  void add(const ConvWindow& window, const Taps& taps, std::size_t m, std::size_t k, const Real* w,
           const Real* tile, Real* sums) const {
    GemmSum shape = product(window, m, k);
    const Real* weights = w + tiles_.channels.first(k) * out_.channels + channels_.first(m);
    GemmTerms terms;
    const auto flush = [&] {
      if (terms.size() == 0) return;
      gemm_sum(shape, terms, weights, tile, sums);
      shape.accumulate = true;
      terms.clear();
    };
    for (std::size_t i = taps.row; i < c_.rows.kernel; i += taps.row_step) {
      for (std::size_t j = taps.column; j < c_.columns.kernel; j += taps.column_step) {
        const std::size_t tap = i * c_.columns.kernel + j;
        terms.add(tap * in_.channels * out_.channels, view(i, j));
        if (terms.size() == GemmTerms::kMost) flush();
      }
    }
    flush();
    // A kernel smaller than its stride leaves phases out.
    if (!shape.accumulate) std::fill_n(sums, shape.m * kRow, Real(0));
  }

  void store(const ConvWindow& window, const Taps& taps, std::size_t m, const Real* sums,
             const Real* bias, Real* out) const {
    const std::size_t first = channels_.first(m), n = channels_.size(m);
    const Planes<const Real> tile{sums, n, window.rows, window.columns, kRow, tiles_.width};
    const Lattice coarse{std::ptrdiff_t(window.row), std::ptrdiff_t(window.column)};
    const Lattice fine{c_.rows.place(window.row, taps.row),
                       c_.columns.place(window.column, taps.column), c_.rows.stride,
                       c_.columns.stride};
    store_tile(tile, bias ? bias + first : nullptr, down_ ? coarse : fine,
               planes(out_, out, first, n));
  }

  const Convolution& c_;
  bool down_;  // to the coarse grid
  const Image &in_, &out_;
  ConvTiles tiles_;
  Blocks channels_;  // of the result
};

void prepare(const Convolution& c, ConvGrid from) {
  if (is_wide(c, from)) return prepare_wide(c, from);
  Stencil(c, from).prepare();
}

void run(const Convolution& c, ConvGrid from, const Real* in, const Real* w, const Real* bias,
         Real* out) {
  if (is_wide(c, from)) return run_wide(c, from, in, w, bias, out);
  Stencil(c, from).run(in, w, bias, out);
}

}  // namespace

void prepare_convolve(const Convolution& c) { prepare(c, ConvGrid::fine); }
void prepare_convolve_back(const Convolution& c) { prepare(c, ConvGrid::coarse); }

void convolve(const Convolution& c, const Real* x, const Real* w, const Real* bias, Real* y) {
  run(c, ConvGrid::fine, x, w, bias, y);
}

void convolve_back(const Convolution& c, const Real* y, const Real* w, const Real* bias, Real* x) {
  run(c, ConvGrid::coarse, y, w, bias, x);
}

}  // namespace eqp::ad
