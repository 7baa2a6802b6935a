#pragma once

#include "autodiff/ops/conv_tiles.hpp"

// Convolutions of small images with many channels, such as those deep in a network. With positions
// along vectors, as conv_stencil.cpp has them, rows of 3 or 7 positions leave much of a vector to
// zeros. Here channels lie along vectors: an image is turned into a tile (row, column, channel), in
// which a tap's view of a row of positions is a matrix, and the result is turned back.
namespace eqp::ad {

/// Whether that is the better way for the stencil from this grid to the other.
bool is_wide(const Convolution& c, ConvGrid from);

/// out = the stencil of weights w (taps, channels of in, channels of out) at `in`, plus a bias per
/// channel (null: none).
void run_wide(const Convolution& c, ConvGrid from, const Real* in, const Real* w, const Real* bias,
              Real* out);
void prepare_wide(const Convolution& c, ConvGrid from);

}  // namespace eqp::ad
