#include "autodiff/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

#include "autodiff/ops/simd.hpp"

namespace eqp::ad {
namespace {

// Scalar uniforms of a BlockRng live at indices the normals of a step never reach.
constexpr std::uint32_t kUniformIndex = 0x80000000u;

constexpr double to_unit(std::uint32_t high, std::uint32_t low) {
  // The centres of 2^52 equal cells: with 2^53, the last one would round to 1.
  const std::uint64_t bits = (std::uint64_t(high) << 32 | low) >> 12;
  return (double(bits) + 0.5) * 0x1p-52;
}

constexpr std::size_t kPerBlock = sizeof(Real) == 4 ? 4 : 2;  // reals in a 128-bit Philox block

void units(const std::array<std::uint32_t, 4>& w, Real* out) {
  if constexpr (sizeof(Real) == 4) {
    for (int i = 0; i < 4; ++i) out[i] = (Real(w[i]) + Real(0.5)) * Real(0x1p-32);
  } else {
    out[0] = to_unit(w[0], w[1]);
    out[1] = to_unit(w[2], w[3]);
  }
}

// Box-Muller (1958) in place: a[i], b[i] uniform -> independent standard normals.
void box_muller(std::span<Real> a, std::span<Real> b) {
  constexpr std::size_t width = Batch::size;
  for (std::size_t i = 0; i < a.size(); i += width) {
    const Batch u = Batch::load_aligned(&a[i]), v = Batch::load_aligned(&b[i]);
    const Batch r = xsimd::sqrt(xsimd::fmax(Batch(Real(-2)) * xsimd::log(u), Batch(Real(0))));
    const Batch angle = Batch(Real(2 * std::numbers::pi)) * (v - Batch(Real(0.5)));
    (r * xsimd::cos(angle)).store_aligned(&a[i]);
    (r * xsimd::sin(angle)).store_aligned(&b[i]);
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, const std::array<std::uint32_t, 4>& c) {
  const r123::Philox4x32 generator;
  const r123::Philox4x32::key_type k{{std::uint32_t(key), std::uint32_t(key >> 32)}};
  const auto r = generator({{c[0], c[1], c[2], c[3]}}, k);
  return {r[0], r[1], r[2], r[3]};
}

Key Key::fork(std::uint32_t n) const {
  // A counter no draw uses: draws keep chain below 2^32 - 1.
  const auto w = philox(seed, {n, 0x666f726bu, 0xffffffffu, stream});
  return {std::uint64_t(w[0]) << 32 | w[1], w[2]};
}

double Draws::uniform() {
  const auto w = philox(key_.seed, {index_++, step_, chain_, key_.stream});
  return to_unit(w[0], w[1]);
}

double Draws::normal() {
  const auto w = philox(key_.seed, {index_++, step_, chain_, key_.stream});
  const double u = to_unit(w[0], w[1]), v = to_unit(w[2], w[3]);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

std::size_t Draws::below(std::size_t n) {
  return std::min(std::size_t(uniform() * double(n)), n - 1);
}

void BlockRng::normal(View out) const {
  const std::size_t n = out.rows(), d = out.cols();
  const std::size_t pairs = (d + 1) / 2, blocks = (2 * pairs + kPerBlock - 1) / kPerBlock;
  // Pair k of a row is (2k, 2k + 1); rows are gathered into one buffer so that short rows fill
  // whole SIMD batches.
  constexpr std::size_t kBuffer = 256;
  alignas(64) Real a[kBuffer], b[kBuffer];
  Real* target[kBuffer];
  bool both[kBuffer];
  std::size_t count = 0;
  const auto flush = [&] {
    std::fill(a + count, a + kBuffer, Real(0.5));
    std::fill(b + count, b + kBuffer, Real(0.5));
    const std::size_t used = (count + Batch::size - 1) / Batch::size * Batch::size;
    box_muller({a, used}, {b, used});
    for (std::size_t k = 0; k < count; ++k) {
      target[k][0] = a[k];
      if (both[k]) target[k][1] = b[k];
    }
    count = 0;
  };
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = out.row(i);
    for (std::size_t block = 0; block < blocks; ++block) {
      Real unit[kPerBlock];
      units(philox(key.seed,
                   {std::uint32_t(block), step, first_chain + std::uint32_t(i), key.stream}),
            unit);
      for (std::size_t p = 0; p < kPerBlock / 2; ++p) {
        const std::size_t j = block * kPerBlock + 2 * p;
        if (j >= d) break;
        a[count] = unit[2 * p];
        b[count] = unit[2 * p + 1];
        target[count] = &row[j];
        both[count] = j + 1 < d;
        if (++count == kBuffer) flush();
      }
    }
  }
  if (count) flush();
}

double BlockRng::uniform(std::size_t i, std::uint32_t index) const {
  const auto w =
      philox(key.seed, {kUniformIndex + index, step, first_chain + std::uint32_t(i), key.stream});
  return to_unit(w[0], w[1]);
}

Tensor normal(const Shape& shape, Key key) {
  Tensor out(shape);
  BlockRng{key}.normal(out);
  return out;
}

Tensor uniform(const Shape& shape, Key key) {
  Tensor out(shape);
  for (std::size_t i = 0; i < out.rows(); ++i) {
    Draws draws(key, std::uint32_t(i));
    // Rounding to f32 may reach 1, which the open interval excludes.
    for (Real& v : out.row(i))
      v = std::min(Real(draws.uniform()), std::nextafter(Real(1), Real(0)));
  }
  return out;
}

std::vector<std::size_t> sample_without_replacement(std::size_t n, std::size_t m, Key key,
                                                    std::uint32_t step) {
  if (m > n) {
    throw std::invalid_argument("sample_without_replacement: " + std::to_string(m) + " of " +
                                std::to_string(n));
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  Draws draws(key, 0, step);
  for (std::size_t i = 0; i < m; ++i) std::swap(order[i], order[i + draws.below(n - i)]);
  order.resize(m);
  return order;
}

}  // namespace eqp::ad
