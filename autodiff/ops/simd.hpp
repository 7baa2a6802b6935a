#pragma once

#include <span>
#include <xsimd/xsimd.hpp>

#include "autodiff/real.hpp"

// Elementwise loops, written once for a SIMD batch. The tail runs through the same batch code on a
// padded copy, so that a value does not depend on where in an array it stands.
namespace eqp::ad {

using Batch = xsimd::batch<Real>;
using Mask = xsimd::batch_bool<Real>;

template <class F, class... In>
void map(std::span<Real> out, F f, const In*... in) {
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

}  // namespace eqp::ad
