#pragma once

#include <array>
#include <cmath>

#include "autodiff/ops/math.hpp"
#include "flows/spline_kernel.hpp"

// The bins of a rational-quadratic spline, for a SIMD batch of coordinates at a time. Always
// inlined: a call would pass its batches through memory.
namespace eqp::flows::simd {

using ad::Batch;
using ad::Mask;
using Bins = std::array<Batch, kMaxBins>;

inline Batch real(double v) { return Batch(Real(v)); }

// The options as the kernels use them.
struct Spline {
  explicit Spline(const SplineOptions& o)
      : bins(o.bins),
        circular(o.tails == Tails::circular),
        bound(Real(o.bound)),
        least{Real(o.min_width), Real(o.min_height)},
        free{Real(1 - double(o.bins) * o.min_width), Real(1 - double(o.bins) * o.min_height)},
        min_slope(Real(o.min_slope)),
        slope_shift(Real(std::log(std::expm1(1 - o.min_slope)))) {}

  std::size_t bins;
  bool circular;
  Real bound;
  std::array<Real, 2> least, free;  // of widths, of heights
  Real min_slope, slope_shift;      // the shift that makes a raw 0 the slope 1
};

// Lanes of one coordinate batch at `raw`, parameter p of which is `stride` further.
struct Raw {
  const Real* data;
  std::size_t stride;
  Batch operator[](std::size_t p) const { return Batch::load_unaligned(data + p * stride); }
};

// The softmax of `bins` raw numbers from row `first` on.
[[gnu::always_inline]] inline void softmax(const Spline& s, const Raw& raw, std::size_t first,
                                           Bins& p) {
  Batch top = raw[first];
  for (std::size_t k = 1; k < s.bins; ++k) top = xsimd::max(top, raw[first + k]);
  Batch total(Real(0));
  for (std::size_t k = 0; k < s.bins; ++k) {
    p[k] = ad::exp_of(raw[first + k] - top);
    total += p[k];
  }
  const Batch scale = Batch(Real(1)) / total;
  for (std::size_t k = 0; k < s.bins; ++k) p[k] *= scale;
}

// The bin a coordinate is in.
struct Bin {
  Batch x0, width, y0, height;
  Batch raw0, raw1;      // of the slopes at its ends, shifted
  Batch slope0, slope1;  // at its ends
  Batch index;
  Mask inside;  // of the interval, on a line
};

[[gnu::always_inline]] inline Batch slope_of(const Spline& s, Batch raw) {
  return Batch(s.min_slope) + ad::softplus_of(raw);
}

enum class Axis { x, y };

// Finds it by comparing v with the knots on its axis, bins of which are half open: [left, right).
[[gnu::always_inline]] inline Bin find_bin(const Spline& s, const Raw& raw, Axis axis, Batch v,
                                           const Bins& p, const Bins& q) {
  const Batch low(-s.bound), high(s.bound), twice(2 * s.bound);
  Bin b;
  b.inside = s.circular ? (v == v) : (v >= low) & (v <= high);
  Batch left = low, bottom = low, right_share(Real(0)), top_share(Real(0));
  for (std::size_t k = 0; k < s.bins; ++k) {
    right_share += Batch(s.least[0]) + Batch(s.free[0]) * p[k];
    top_share += Batch(s.least[1]) + Batch(s.free[1]) * q[k];
    const bool last = k + 1 == s.bins;
    const Batch right = last ? high : low + twice * right_share;
    const Batch top = last ? high : low + twice * top_share;
    const std::size_t slopes = 2 * s.bins;
    const Batch one_raw = Batch(s.slope_shift);
    const auto knot = [&](std::size_t j) {  // the raw slope there
      if (s.circular) return raw[slopes + j % s.bins] + one_raw;
      return j == 0 || j == s.bins ? one_raw : raw[slopes + j - 1] + one_raw;
    };
    if (k == 0) {
      b.x0 = left, b.width = right - left, b.y0 = bottom, b.height = top - bottom;
      b.raw0 = knot(0), b.raw1 = knot(1), b.index = Batch(Real(0));
    } else {
      const Mask here = v >= (axis == Axis::x ? left : bottom);
      b.x0 = xsimd::select(here, left, b.x0);
      b.width = xsimd::select(here, right - left, b.width);
      b.y0 = xsimd::select(here, bottom, b.y0);
      b.height = xsimd::select(here, top - bottom, b.height);
      b.raw0 = xsimd::select(here, knot(k), b.raw0);
      b.raw1 = xsimd::select(here, knot(k + 1), b.raw1);
      b.index = xsimd::select(here, Batch(Real(k)), b.index);
    }
    left = right, bottom = top;
  }
  b.slope0 = slope_of(s, b.raw0), b.slope1 = slope_of(s, b.raw1);
  return b;
}

// Durkan et al. 2019, eqs. 4 and 5, at theta in [0, 1] of a bin.
struct At {
  Batch theta, s, q, numerator, denominator, a;

  [[gnu::always_inline]] At(const Bin& b, Batch t) : theta(t) {
    const Batch one(Real(1)), u = one - theta;
    s = b.height / b.width;
    q = theta * u;
    numerator = s * theta * theta + b.slope0 * q;
    denominator = s + (b.slope0 + b.slope1 - s - s) * q;
    a = b.slope1 * theta * theta + (s + s) * q + b.slope0 * u * u;
  }
  [[gnu::always_inline]] Batch value(const Bin& b) const {
    return b.y0 + b.height * (numerator / denominator);
  }
  [[gnu::always_inline]] Batch slope() const {
    const Batch r = s / denominator;
    return r * r * a;
  }
};

[[gnu::always_inline]] inline Batch unit(Batch theta) {
  return xsimd::min(Batch(Real(1)), xsimd::max(Batch(Real(0)), theta));
}

[[gnu::always_inline]] inline Batch theta_of_x(const Bin& b, Batch x) {
  return unit((x - b.x0) / b.width);
}

// Their eqs. 6 to 8 in the form without cancellation, then one step of Newton's method, since the
// coefficients themselves cancel where the bin is nearly straight.
[[gnu::always_inline]] inline Batch theta_of_y(const Bin& b, Batch y) {
  const Batch zero(Real(0));
  const Batch s = b.height / b.width, rise = y - b.y0;
  const Batch bend = rise * (b.slope0 + b.slope1 - s - s);
  const Batch qa = b.height * (s - b.slope0) + bend, qb = b.height * b.slope0 - bend;
  const Batch qc = -(s * rise);
  const Batch root = xsimd::sqrt(xsimd::max(zero, qb * qb - real(4) * qa * qc));
  const Batch theta = unit((qc + qc) / -(qb + root));
  const At at(b, theta);
  return unit(theta + (y - at.value(b)) / (at.slope() * b.width));
}

}  // namespace eqp::flows::simd
