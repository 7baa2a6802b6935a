#include "flows/spline_kernel.hpp"

#include "flows/spline_bin.hpp"

namespace eqp::flows {
namespace {

using namespace simd;

constexpr std::size_t kWidth = Batch::size;

// Cotangents of the map at x, for gy of its value and gl of its log slope, inside of the interval.
struct Cotangents {
  Batch x, x0, width, y0, height, slope0, slope1;
};

[[gnu::always_inline]] inline Cotangents cotangents(const Bin& b, const At& at, Batch gy,
                                                    Batch gl) {
  const Batch one(Real(1)), two(Real(2)), theta = at.theta, u = one - theta, s = at.s, q = at.q;
  const Batch per_d = one / at.denominator, per_a = one / at.a;
  const Batch ratio = at.numerator * per_d;  // of the bin's height
  const Batch h = b.height * per_d;
  const Batch d_theta = (b.slope0 + b.slope1 - two * s) * (one - two * theta);
  const Batch a_theta = two * (b.slope1 * theta + s * (one - two * theta) - b.slope0 * u);
  const Batch l_theta = a_theta * per_a - two * d_theta * per_d;
  const Batch y_s = h * (theta * theta - ratio * (one - two * q));
  const Batch l_s = two / s + two * q * per_a - two * (one - two * q) * per_d;
  const Batch per_width = one / b.width;
  const Batch g_theta = gy * b.width * at.slope() + gl * l_theta;
  const Batch g_s = gy * y_s + gl * l_s;
  Cotangents c;
  c.x = g_theta * per_width;
  c.x0 = -c.x;
  c.width = -(g_theta * theta + g_s * s) * per_width;
  c.y0 = gy;
  c.height = gy * ratio + g_s * per_width;
  c.slope0 = gy * h * q * (one - ratio) + gl * (u * u * per_a - two * q * per_d);
  c.slope1 = -(gy * h * q * ratio) + gl * (theta * theta * per_a - two * q * per_d);
  return c;
}

// Cotangents of raw sizes, for those of a bin's start and size, which are sums and one of the
// shares that the softmax makes. In the last bin, whose end is fixed, this is the same: a softmax
// does not feel what all of its results get.
[[gnu::always_inline]] inline void store_sizes(const Spline& s, const Bin& b, Real free,
                                               const Bins& p, Batch start, Batch size, Real* out,
                                               std::size_t stride) {
  const Batch scale(2 * s.bound * free), zero(Real(0));
  Batch mean = zero;
  Bins g;
  for (std::size_t k = 0; k < s.bins; ++k) {
    const Batch at = real(double(k));
    g[k] = xsimd::select(at < b.index, start, xsimd::select(at == b.index, size, zero));
    mean += p[k] * g[k];
  }
  for (std::size_t k = 0; k < s.bins; ++k) {
    (scale * p[k] * (g[k] - mean)).store_unaligned(out + k * stride);
  }
}

[[gnu::always_inline]] inline void store_slopes(const Spline& s, const Bin& b, Batch slope0,
                                                Batch slope1, Real* out, std::size_t stride) {
  const Batch zero(Real(0));
  const Batch left = slope0 * ad::logistic_of(b.raw0), right = slope1 * ad::logistic_of(b.raw1);
  // The knots that have a parameter: all but the ends on a line, the two ends as one on a circle.
  const std::size_t first = s.circular ? 0 : 1;
  for (std::size_t j = first; j < s.bins; ++j) {
    const Batch at = real(double(j)), end = j == 0 ? real(double(s.bins)) : at;
    const Batch total = xsimd::select(at == b.index, left, zero) +
                        xsimd::select(end == b.index + Batch(Real(1)), right, zero);
    total.store_unaligned(out + (j - first) * stride);
  }
}

// One batch of coordinates: everything is `stride` apart from row to row.
struct Lanes {
  const Real *x, *raw, *g;
  Real* out;
  std::size_t stride;
};

template <Axis axis>
[[gnu::noinline, gnu::flatten]] void evaluate(const Spline& s, const Lanes& at) {
  const Raw raw{at.raw, at.stride};
  const Batch v = Batch::load_unaligned(at.x);
  Bins p, q;
  softmax(s, raw, 0, p);
  softmax(s, raw, s.bins, q);
  const Bin b = find_bin(s, raw, axis, v, p, q);
  const Batch theta = axis == Axis::x ? theta_of_x(b, v) : theta_of_y(b, v);
  const At here(b, theta);
  const Batch value = axis == Axis::x ? here.value(b) : b.x0 + theta * b.width;
  const Batch log_slope = ad::log_of(here.slope());
  const Batch signed_log = axis == Axis::x ? log_slope : -log_slope;
  xsimd::select(b.inside, value, v).store_unaligned(at.out);
  xsimd::select(b.inside, signed_log, Batch(Real(0))).store_unaligned(at.out + at.stride);
}

// x is on the x axis in either direction. The inverse map f^-1 has slope 1 / f'(x), and
// parameters move its value by -1 / f' of what they move f by.
template <Axis axis>
[[gnu::noinline, gnu::flatten]] void differentiate(const Spline& s, const Lanes& at) {
  const Raw raw{at.raw, at.stride};
  const Batch x = Batch::load_unaligned(at.x), zero(Real(0));
  const Batch g_value = Batch::load_unaligned(at.g);
  const Batch g_log = Batch::load_unaligned(at.g + at.stride);
  Bins p, q;
  softmax(s, raw, 0, p);
  softmax(s, raw, s.bins, q);
  const Bin b = find_bin(s, raw, Axis::x, x, p, q);
  const At here(b, theta_of_x(b, x));
  Cotangents c;
  Batch towards;
  if constexpr (axis == Axis::x) {
    c = cotangents(b, here, g_value, g_log);
    towards = c.x;
  } else {
    const Batch l_x = cotangents(b, here, zero, Batch(Real(1))).x;
    towards = (g_value - g_log * l_x) / here.slope();
    c = cotangents(b, here, -towards, -g_log);
  }
  const auto kept = [&](Batch v) { return xsimd::select(b.inside, v, zero); };
  xsimd::select(b.inside, towards, g_value).store_unaligned(at.out);
  Real* out = at.out + at.stride;
  store_sizes(s, b, s.free[0], p, kept(c.x0), kept(c.width), out, at.stride);
  out += s.bins * at.stride;
  store_sizes(s, b, s.free[1], q, kept(c.y0), kept(c.height), out, at.stride);
  out += s.bins * at.stride;
  store_slopes(s, b, kept(c.slope0), kept(c.slope1), out, at.stride);
}

constexpr std::size_t kMaxRows = 3 * kMaxBins + 1;
// Coordinates worth a parallel task of their own.
constexpr std::size_t kPiece = 8192;
static_assert(kPiece % kWidth == 0);

// Columns [begin, begin + count) of `rows` rows, in lanes of a full batch; the others hold 0.
void pad(const Real* from, std::size_t rows, std::size_t stride, std::size_t count, Real* lanes) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      lanes[r * kWidth + j] = j < count ? from[r * stride + j] : Real(0);
    }
  }
}

// Runs `kernel` over all coordinates: `rows` of out and, if there are any, `cotangents` of g.
template <class Kernel>
void for_each_batch(const Spline& s, std::size_t n_params, ad::ConstView x, ad::ConstView raw,
                    const Real* g, ad::View out, Kernel kernel) {
  const std::size_t m = x.size(), rows = g ? 1 + n_params : 2;
  ad::in_pieces(m, kPiece, [&](std::size_t begin, std::size_t end) {
    std::size_t i = begin;
    for (; i + kWidth <= end; i += kWidth) {
      kernel(s, {x.data + i, raw.data + i, g ? g + i : nullptr, out.data + i, m});
    }
    if (i == end) return;
    const std::size_t left = end - i;
    alignas(64) Real px[kWidth], praw[kMaxRows * kWidth], pg[2 * kWidth], pout[kMaxRows * kWidth];
    pad(x.data + i, 1, m, left, px);
    pad(raw.data + i, n_params, m, left, praw);
    if (g) pad(g + i, 2, m, left, pg);
    kernel(s, {px, praw, pg, pout, kWidth});
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < left; ++j) out.data[r * m + i + j] = pout[r * kWidth + j];
    }
  });
}

}  // namespace

std::size_t n_spline_params(const SplineOptions& o) {
  return o.tails == Tails::circular ? 3 * o.bins : 3 * o.bins - 1;
}

void spline_forward(const SplineOptions& o, ad::ConstView x, ad::ConstView raw, ad::View out) {
  for_each_batch(Spline(o), n_spline_params(o), x, raw, nullptr, out, evaluate<Axis::x>);
}

void spline_inverse(const SplineOptions& o, ad::ConstView y, ad::ConstView raw, ad::View out) {
  for_each_batch(Spline(o), n_spline_params(o), y, raw, nullptr, out, evaluate<Axis::y>);
}

void spline_forward_vjp(const SplineOptions& o, ad::ConstView x, ad::ConstView raw, ad::ConstView g,
                        ad::View out) {
  for_each_batch(Spline(o), n_spline_params(o), x, raw, g.data, out, differentiate<Axis::x>);
}

void spline_inverse_vjp(const SplineOptions& o, ad::ConstView x, ad::ConstView raw, ad::ConstView g,
                        ad::View out) {
  for_each_batch(Spline(o), n_spline_params(o), x, raw, g.data, out, differentiate<Axis::y>);
}

}  // namespace eqp::flows
