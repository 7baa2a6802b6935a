#include <algorithm>

#include "autodiff/ops/conv_kernels.hpp"
#include "autodiff/ops/gemm_sum.hpp"
#include "autodiff/ops/pieces.hpp"
#include "autodiff/ops/transpose.hpp"
#include "autodiff/tensor.hpp"

namespace eqp::ad {
namespace {

// Channels of y in a tile, which is turned: position by channel.
constexpr std::size_t kChannels = 64;

// The gradient of the weights: for each tap, the product of the tap's view of x with y, summed over
// the rows of a window without the columns in between, over windows and over images.
class Correlation {
 public:
  explicit Correlation(const Convolution& c)
      : c_(c), tiles_(c, ConvGrid::fine), channels_(balanced(c.coarse.channels, kChannels)) {
    // Tasks share the channels of x among them, so that no two add to the same weights.
    if (c.images > images_of_task(c)) {
      tiles_.channels = balanced(c.fine.channels, std::min<std::size_t>(tiles_.channels.block, 32));
    }
  }

  void prepare() const {
    for (std::size_t m : {std::size_t(0), tiles_.channels.count() - 1}) {
      for (std::size_t n : {std::size_t(0), channels_.count() - 1}) {
        for (std::size_t s : {std::size_t(0), tiles_.columns.count() - 1}) {
          prepare_gemm_sum(product(m, n, tiles_.columns.size(s)));
        }
      }
    }
  }

  void run(const Real* x, const Real* y, Real* w) const {
    std::fill_n(w, c_.fine.channels * c_.taps() * c_.coarse.channels, Real(0));
    const bool shared = c_.images > images_of_task(c_);
    const std::size_t n = tiles_.channels.count();
    in_pieces(n, shared ? 1 : n, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = 0; i < c_.images; ++i) {
        add_image(x + i * c_.fine.size(), y + i * c_.coarse.size(), first, last, w);
      }
    });
  }

 private:
  // For the tiles [first, last) of the channels of x.
  void add_image(const Real* x, const Real* y, std::size_t first, std::size_t last, Real* w) const {
    alignas(kAlignment) Real tile[kConvTile];
    alignas(kAlignment) Real turned[kConvWindow * kChannels];
    tiles_.for_each_window([&](const ConvWindow& window) {
      std::size_t loaded = last;
      for (std::size_t n = 0; n < channels_.count(); ++n) {
        turn(window, n, y, turned);
        for (std::size_t m = first; m < last; ++m) {
          if (m != loaded) {
            load_fine(c_, tiles_, window,
                      planes(c_.fine, x, tiles_.channels.first(m), tiles_.channels.size(m)), tile);
          }
          loaded = m;
          add(window, m, n, tile, turned, w);
        }
      }
    });
  }

  void turn(const ConvWindow& window, std::size_t n, const Real* y, Real* turned) const {
    const std::size_t channels = channels_.size(n), row = c_.coarse.columns;
    const Real* from =
        y + channels_.first(n) * c_.coarse.plane() + window.row * row + window.column;
    // Whole rows follow one another, and a long matrix is turned faster than short ones.
    const bool whole = window.columns == row;
    const std::size_t lines = whole ? 1 : window.rows;
    const std::size_t length = whole ? window.rows * row : window.columns;
    for (std::size_t r = 0; r < lines; ++r) {
      transpose_matrix({from + r * row, c_.coarse.plane()},
                       {turned + r * length * channels, channels}, channels, length);
    }
  }

  GemmSum product(std::size_t m, std::size_t n, std::size_t columns) const {
    return {.m = tiles_.channels.size(m),
            .n = channels_.size(n),
            .k = columns,
            .row_a = tiles_.plane,
            .row_b = channels_.size(n),
            .row_c = c_.coarse.channels,
            .accumulate = true};
  }

  void add(const ConvWindow& window, std::size_t m, std::size_t n, const Real* tile,
           const Real* turned, Real* w) const {
    const GemmSum shape = product(m, n, window.columns);
    GemmTerms rows;
    for (std::size_t r = 0; r < window.rows; ++r) {
      rows.add(r * tiles_.width, r * window.columns * shape.n);
    }
    w += tiles_.channels.first(m) * shape.row_c + channels_.first(n);
    for (std::size_t i = 0; i < c_.rows.kernel; ++i) {
      for (std::size_t j = 0; j < c_.columns.kernel; ++j) {
        gemm_sum(shape, rows, tile + view_of_fine(c_, tiles_, i, j), turned, w);
        w += c_.fine.channels * c_.coarse.channels;
      }
    }
  }

  const Convolution& c_;
  ConvTiles tiles_;
  Blocks channels_;  // of y
};

}  // namespace

void prepare_correlate(const Convolution& c) { Correlation(c).prepare(); }

void correlate(const Convolution& c, const Real* x, const Real* y, Real* w) {
  Correlation(c).run(x, y, w);
}

}  // namespace eqp::ad
