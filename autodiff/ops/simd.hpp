#pragma once

#include <span>
#include <xsimd/xsimd.hpp>

#include "autodiff/ops/pieces.hpp"
#include "autodiff/real.hpp"

// Elementwise loops, written once for a SIMD batch. The tail runs through the same batch code on a
// padded copy, so that a value does not depend on where in an array it stands.
namespace eqp::ad {

using Batch = xsimd::batch<Real>;
using Mask = xsimd::batch_bool<Real>;

// Flattened, which holds in a function of its own only: a call of f would pass its batches through
// memory, at three times the cost.
template <class F, class... In>
[[gnu::noinline, gnu::flatten]] void map_piece(std::span<Real> out, const F& f, const In*... in) {
  constexpr std::size_t width = Batch::size;
  const std::size_t n = out.size(), body = n - n % width;
  for (std::size_t i = 0; i < body; i += width) {
    f(Batch::load_unaligned(in + i)...).store_unaligned(out.data() + i);
  }
  if (body == n) return;
  const auto padded = [&](const Real* p) {
    alignas(64) Real lane[width];
    for (std::size_t j = 0; j < width; ++j) lane[j] = body + j < n ? p[body + j] : Real(1);
    return Batch::load_aligned(lane);
  };
  alignas(64) Real lane[width];
  f(padded(in)...).store_aligned(lane);
  for (std::size_t j = 0; body + j < n; ++j) out[body + j] = lane[j];
}

/// out[i] = f(in[i]...), batch by batch.
template <class F, class... In>
void map(std::span<Real> out, const F& f, const In*... in) {
  in_pieces(out.size(), kPiece, [&](std::size_t first, std::size_t last) {
    map_piece(out.subspan(first, last - first), f, (in + first)...);
  });
}

/// The sum of x, in an order that depends on its length only.
inline Real total(std::span<const Real> x) {
  constexpr std::size_t width = Batch::size;
  const std::size_t n = x.size(), body = n - n % width;
  Real sum = 0;
  if (body > 0) {
    Batch lanes = Batch::load_unaligned(x.data());
    for (std::size_t i = width; i < body; i += width) lanes += Batch::load_unaligned(&x[i]);
    alignas(64) Real lane[width];
    lanes.store_aligned(lane);
    for (Real v : lane) sum += v;
  }
  for (std::size_t i = body; i < n; ++i) sum += x[i];
  return sum;
}

}  // namespace eqp::ad
