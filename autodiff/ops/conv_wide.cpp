#include "autodiff/ops/conv_wide.hpp"

#include <algorithm>

#include "autodiff/ops/gemm_sum.hpp"
#include "autodiff/ops/pieces.hpp"
#include "autodiff/ops/planes.hpp"
#include "autodiff/ops/transpose.hpp"
#include "autodiff/tensor.hpp"

namespace eqp::ad {
namespace {

// Elements of a tile, and of results before they are turned; channels of these.
constexpr std::size_t kTile = (std::size_t(256) << 10) / sizeof(Real), kResult = kTile / 4,
                      kChannels = 64;

class WideStencil {
 public:
  WideStencil(const Convolution& c, ConvGrid from)
      : c_(c),
        down_(from == ConvGrid::fine),
        in_(down_ ? c.fine : c.coarse),
        out_(down_ ? c.coarse : c.fine),
        phases_in_(down_ ? c.columns.phases() : 1),
        phases_out_(down_ ? 1 : c.columns.stride),
        margin_(down_ ? c.columns.padding : c.columns.reach()),
        width_(
            c.columns.reach() +
            (down_ ? out_.columns : (out_.columns - 1 + c.columns.padding) / c.columns.stride + 1)),
        phase_(columns(0)),
        channels_(balanced(out_.channels, kChannels)) {}

  bool fits() const {
    return at(in_.rows, 0, 0) <= kTile && in_.columns * in_.channels <= kResult &&
           line(channels_.block) <= kResult;
  }

  void prepare() const {
    for (const std::size_t m : {std::size_t(0), channels_.count() - 1}) {
      for (std::size_t phase = 0; phase < std::min(phases_out_, out_.columns); ++phase) {
        GemmSum shape = product(m, phase);
        for (const bool accumulate : {false, true}) {
          shape.accumulate = accumulate;
          prepare_gemm_sum(shape);
        }
      }
    }
  }

  void run(const Real* in, const Real* w, const Real* bias, Real* out) const {
    in_pieces(c_.images, images_of_task(c_), [&](std::size_t first, std::size_t last) {
      alignas(kAlignment) Real tile[kTile];
      for (std::size_t i = first; i < last; ++i) {
        load(in + i * in_.size(), tile);
        for (std::size_t m = 0; m < channels_.count(); ++m) {
          run_channels(m, tile, w, bias, out + i * out_.size());
        }
      }
    });
  }

 private:
  // Columns of the result in a phase.
  std::size_t columns(std::size_t phase) const {
    return (out_.columns - phase + phases_out_ - 1) / phases_out_;
  }
  // Elements of a row of the result, its phases one after another.
  std::size_t line(std::size_t channels) const { return phases_out_ * phase_ * channels; }
  // Where a tile has a position.
  std::size_t at(std::size_t row, std::size_t phase, std::size_t column) const {
    return ((row * phases_in_ + phase) * width_ + column) * in_.channels;
  }

  GemmSum product(std::size_t m, std::size_t phase) const {
    return {.m = columns(phase),
            .n = channels_.size(m),
            .k = in_.channels,
            .row_a = in_.channels,
            .row_b = out_.channels,
            .row_c = channels_.size(m)};
  }

  // Some rows at a time, with zeros at both sides; taps above and below the image are left out.
  void load(const Real* in, Real* tile) const {
    alignas(kAlignment) Real turned[kResult];
    std::fill_n(tile, at(in_.rows, 0, 0), Real(0));
    const std::size_t channels = in_.channels, step = down_ ? c_.columns.stride : 1;
    const Blocks rows = balanced(in_.rows, kResult / (in_.columns * channels));
    for (std::size_t b = 0; b < rows.count(); ++b) {
      transpose_matrix({in + rows.first(b) * in_.columns, in_.plane()}, {turned, channels},
                       channels, rows.size(b) * in_.columns);
      const Real* from = turned;
      for (std::size_t r = rows.first(b); r < rows.first(b) + rows.size(b); ++r) {
        for (std::size_t s = margin_; s < margin_ + in_.columns; ++s, from += channels) {
          // The others no tap sees.
          if (s % step < phases_in_ && s / step < width_) {
            std::copy_n(from, channels, tile + at(r, s % step, s / step));
          }
        }
      }
    }
  }

  void run_channels(std::size_t m, const Real* tile, const Real* w, const Real* bias,
                    Real* out) const {
    alignas(kAlignment) Real sums[kResult];
    const std::size_t channels = channels_.size(m);
    const Blocks rows = balanced(out_.rows, kResult / line(channels));
    for (std::size_t b = 0; b < rows.count(); ++b) {
      for (std::size_t r = 0; r < rows.size(b); ++r) {
        for (std::size_t phase = 0; phase < phases_out_ && phase < out_.columns; ++phase) {
          add(rows.first(b) + r, phase, m, tile, w,
              sums + r * line(channels) + phase * phase_ * channels);
        }
      }
      store(rows.first(b), rows.size(b), m, sums, bias, out);
    }
  }

  // Calls f(i, q) for each tap i through which row p of the result sees row q of the images.
  template <class F>
  void for_each_row(std::size_t p, F f) const {
    const auto [kernel, stride, padding] = c_.rows;
    for (std::size_t i = 0; i < kernel; ++i) {
      const std::size_t down = p * stride + i, up = p + padding;
      if (down_) {
        if (down >= padding && down - padding < in_.rows) f(i, down - padding);
      } else if (up >= i && (up - i) % stride == 0 && (up - i) / stride < in_.rows) {
        f(i, (up - i) / stride);
      }
    }
  }

  // Calls f(j, phase, column) for each tap j through which a phase of the result sees a tile, and
  // where it begins to.
  template <class F>
  void for_each_column(std::size_t phase, F f) const {
    const auto [kernel, stride, padding] = c_.columns;
    for (std::size_t j = 0; j < kernel; ++j) {
      const std::size_t up = phase + padding + c_.columns.reach() * stride;
      if (down_) {
        f(j, j % stride, j / stride);
      } else if (up >= j && (up - j) % stride == 0) {
        f(j, std::size_t(0), (up - j) / stride);
      }
    }
  }

  // A row of the result, in a phase of its columns.
  void add(std::size_t row, std::size_t phase, std::size_t m, const Real* tile, const Real* w,
           Real* sums) const {
    GemmSum shape = product(m, phase);
    GemmTerms terms;
    const auto flush = [&] {
      if (terms.size() == 0) return;
      gemm_sum(shape, terms, tile, w + channels_.first(m), sums);
      shape.accumulate = true;
      terms.clear();
    };
    for_each_row(row, [&](std::size_t i, std::size_t q) {
      for_each_column(phase, [&](std::size_t j, std::size_t from, std::size_t column) {
        const std::size_t tap = i * c_.columns.kernel + j;
        terms.add(at(q, from, column), tap * in_.channels * out_.channels);
        if (terms.size() == GemmTerms::kMost) flush();
      });
    });
    flush();
    if (!shape.accumulate) std::fill_n(sums, shape.m * shape.n, Real(0));
  }

  void store(std::size_t row, std::size_t rows, std::size_t m, const Real* sums, const Real* bias,
             Real* out) const {
    alignas(kAlignment) Real turned[kResult];
    const std::size_t channels = channels_.size(m), first = channels_.first(m);
    Real* to = turned;
    for (std::size_t r = 0; r < rows; ++r, sums += line(channels)) {
      for (std::size_t s = 0; s < out_.columns; ++s, to += channels) {
        const Real* from = sums + (s % phases_out_ * phase_ + s / phases_out_) * channels;
        for (std::size_t k = 0; k < channels; ++k) {
          to[k] = from[k] + (bias ? bias[first + k] : Real(0));
        }
      }
    }
    transpose_matrix({turned, channels},
                     {out + first * out_.plane() + row * out_.columns, out_.plane()},
                     rows * out_.columns, channels);
  }

  const Convolution& c_;
  bool down_;  // to the coarse grid
  const Image &in_, &out_;
  std::size_t phases_in_, phases_out_;  // of columns, which lie together in tiles and in results
  std::size_t margin_, width_;          // zeros before a row of a tile; columns of a phase of it
  std::size_t phase_;                   // columns of the longest phase of the result
  Blocks channels_;                     // of the result
};

}  // namespace

bool is_wide(const Convolution& c, ConvGrid from) {
  const bool down = from == ConvGrid::fine;
  const std::size_t vector = kAlignment / sizeof(Real);
  const std::size_t in = (down ? c.fine : c.coarse).channels;
  const std::size_t out = (down ? c.coarse : c.fine).channels;
  return in >= 4 && out >= vector && WideStencil(c, from).fits();
}

void prepare_wide(const Convolution& c, ConvGrid from) { WideStencil(c, from).prepare(); }

void run_wide(const Convolution& c, ConvGrid from, const Real* in, const Real* w, const Real* bias,
              Real* out) {
  WideStencil(c, from).run(in, w, bias, out);
}

}  // namespace eqp::ad
