#pragma once

#include "autodiff/ops/conv_tiles.hpp"

// The three kernels of a convolution: each is the derivative of another two.
namespace eqp::ad {

/// y = x convolved with w (taps, fine channels, coarse channels), plus a bias per channel (null:
/// none).
void convolve(const Convolution& c, const Real* x, const Real* w, const Real* bias, Real* y);
void prepare_convolve(const Convolution& c);

/// x = the adjoint of convolving, at y, plus a bias per channel (null: none). Here w is (taps,
/// coarse channels, fine channels).
void convolve_back(const Convolution& c, const Real* y, const Real* w, const Real* bias, Real* x);
void prepare_convolve_back(const Convolution& c);

/// w (taps, fine channels, coarse channels) = the adjoint of convolving x, at y, summed over
/// images.
void correlate(const Convolution& c, const Real* x, const Real* y, Real* w);
void prepare_correlate(const Convolution& c);

}  // namespace eqp::ad
