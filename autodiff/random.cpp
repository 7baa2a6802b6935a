#include "autodiff/random.hpp"

#include <Random123/philox.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

#include "autodiff/ops/math.hpp"

namespace eqp::ad {
namespace {

// Uniforms of a BlockRng, scalars and arrays, live at indices the normals of a step never reach.
constexpr std::uint32_t kUniformIndex = 0x80000000u, kUniformsIndex = 0xc0000000u;

constexpr double to_unit(std::uint32_t high, std::uint32_t low) {
  // The centres of 2^52 equal cells: with 2^53, the last one would round to 1.
  const std::uint64_t bits = (std::uint64_t(high) << 32 | low) >> 12;
  // 1.bits - 1 is bits 2^-52 without a conversion of integers, which AVX2 lacks.
  return (std::bit_cast<double>(bits | 0x3ff0000000000000u) - 1) + 0x1p-53;
}

constexpr std::size_t kPerBlock = sizeof(Real) == 4 ? 4 : 2;  // reals in a 128-bit Philox block

// Philox runs on this many counters at once: loops over the lanes that the compiler turns into SIMD
// instructions, a whole round each, so that no lane waits for its own last product.
constexpr std::size_t kLanes = 32;
template <class T>
using Lanes = std::array<T, kLanes>;
// With registers of 8 such words, one word per 64 bits saves shuffling the products' halves.
using Word = std::conditional_t<sizeof(Batch) == 64, std::uint64_t, std::uint32_t>;

/// Lane l holds the four words of Philox4x32-10 at (origin + index[l], step, first + chain[l],
/// stream).
struct alignas(64) Philox {
  std::array<Lanes<Word>, 4> word;

  Philox(std::uint32_t origin, const Lanes<std::uint32_t>& index, std::uint32_t step,
         const Lanes<std::uint32_t>& chain, std::uint32_t first, const Key& key) {
    auto& [a, b, c, d] = word;
    for (std::size_t l = 0; l < kLanes; ++l) {
      a[l] = origin + index[l];
      b[l] = step;
      c[l] = first + chain[l];
      d[l] = key.stream;
    }
    std::uint32_t k0 = std::uint32_t(key.seed), k1 = std::uint32_t(key.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const std::uint64_t p = std::uint64_t(0xd2511f53u) * std::uint32_t(a[l]);
        const std::uint64_t q = std::uint64_t(0xcd9e8d57u) * std::uint32_t(c[l]);
        a[l] = Word(q >> 32) ^ b[l] ^ k0;
        b[l] = Word(q);
        c[l] = Word(p >> 32) ^ d[l] ^ k1;
        d[l] = Word(p);
      }
      k0 += 0x9e3779b9u;
      k1 += 0xbb67ae85u;
    }
  }

  std::uint32_t operator()(std::size_t k, std::size_t l) const { return std::uint32_t(word[k][l]); }
};

// The lanes of consecutive Philox blocks, `blocks` of them to a row: lane l has block index[l] of
// the row[l]-th row after the first lane's.
struct Group {
  alignas(64) Lanes<std::uint32_t> index{}, row{};
  std::size_t first = kNone;
  static constexpr std::size_t kNone = std::size_t(-1);

  void start(std::size_t block, std::size_t blocks) {
    if (block == first) return;  // as it mostly is: kLanes a multiple of `blocks`
    first = block;
    const double inverse = 1 / double(blocks);
    for (std::size_t l = 0; l < kLanes; ++l) {
      // The quotient keeps 1/2 over `blocks` from a whole number: rounding cannot change the row.
      row[l] = std::uint32_t(std::int32_t((double(block + l) + 0.5) * inverse));
      index[l] = std::uint32_t(block + l) - row[l] * std::uint32_t(blocks);
    }
  }
};

// Lane l holds the first `used` values of its Philox block.
template <std::size_t used>
struct alignas(64) Units {
  std::array<Lanes<Real>, used> unit;
};

// Uniforms on (0, 1], of all 32 bits in single precision.
template <std::size_t used>
void to_units(const Philox& w, Units<used>& z) {
  for (std::size_t k = 0; k < used; ++k) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      if constexpr (sizeof(Real) == 4) {
        z.unit[k][l] = (Real(w(k, l)) + Real(0.5)) * Real(0x1p-32);
      } else {
        z.unit[k][l] = to_unit(w(2 * k, l), w(2 * k + 1, l));
      }
    }
  }
}

// Box-Muller (1958): pairs of uniforms to independent standard normals, in lanes l < lanes.
template <std::size_t used>
void box_muller(const Philox& w, std::size_t lanes, Units<used>& z) {
  to_units(w, z);
  for (std::size_t l = 0; l < lanes; l += Batch::size) {
    for (std::size_t k = 0; k < used; k += 2) {
      Real *a = &z.unit[k][l], *b = &z.unit[k + 1][l];
      const Batch r = xsimd::sqrt(Batch(Real(-2)) * simd::log_normal(Batch::load_aligned(a)));
      const auto [cos, sin] = cos_sin_turns(Batch::load_aligned(b) - Batch(Real(0.5)));
      (r * cos).store_aligned(a);
      (r * sin).store_aligned(b);
    }
  }
}

// Uniforms on the open interval (0, 1): in single precision the centres of 2^23 equal cells, which
// no rounding moves onto its ends.
void open_units(const Philox& w, std::size_t, Units<kPerBlock>& z) {
  if constexpr (sizeof(Real) == 4) {
    for (std::size_t k = 0; k < kPerBlock; ++k) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        z.unit[k][l] = (Real(w(k, l) >> 9) + Real(0.5)) * Real(0x1p-23);
      }
    }
  } else {
    to_units(w, z);
  }
}

// Fills out (n, d) from the first `used` values that make(words, lanes, values) has of each Philox
// block, the blocks of a row beginning at index `origin`.
template <std::size_t used, void (*make)(const Philox&, std::size_t, Units<used>&)>
void fill(const View& out, const BlockRng& rng, std::uint32_t origin) {
  const std::size_t d = out.cols(), size = out.size();
  const std::size_t blocks = (d + used - 1) / used, count = out.rows() * blocks;
  Group group;
  alignas(64) std::array<Real, kLanes * used> values;
  for (std::size_t first = 0; first < count; first += kLanes) {
    const std::size_t lanes = std::min(kLanes, count - first), row = first / blocks;
    group.start(first % blocks, blocks);
    const std::uint32_t chain = rng.first_chain + std::uint32_t(row);
    Units<used> z;
    make(Philox(origin, group.index, rng.step, group.row, chain, rng.key), lanes, z);
    for (std::size_t l = 0; l < kLanes; ++l) {
      for (std::size_t k = 0; k < used; ++k) values[l * used + k] = z.unit[k][l];
    }
    if (d % used == 0) {
      std::copy_n(values.data(), lanes * used, out.data + first * used);
      continue;
    }
    // A row's last block spills into the next row, which is written after it.
    for (std::size_t l = 0; l < lanes; ++l) {
      const std::size_t at = (row + group.row[l]) * d + group.index[l] * used;
      if (at + used <= size) {
        std::copy_n(&values[l * used], used, out.data + at);
      } else {
        std::copy_n(&values[l * used], size - at, out.data + at);
      }
    }
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
  // Rows of 1 or 2 have no use for a block's second pair.
  if (out.cols() <= 2) {
    fill<2, box_muller<2>>(out, *this, 0);
  } else {
    fill<kPerBlock, box_muller<kPerBlock>>(out, *this, 0);
  }
}

void BlockRng::uniform(View out) const { fill<kPerBlock, open_units>(out, *this, kUniformsIndex); }

void BlockRng::uniform(std::span<double> out, std::uint32_t index) const {
  alignas(64) Lanes<std::uint32_t> same, chain;
  same.fill(index);
  for (std::size_t first = 0; first < out.size(); first += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) chain[l] = std::uint32_t(first + l);
    const Philox w(kUniformIndex, same, step, chain, first_chain, key);
    Lanes<double> unit;
    for (std::size_t l = 0; l < kLanes; ++l) unit[l] = to_unit(w(0, l), w(1, l));
    std::copy_n(unit.data(), std::min(kLanes, out.size() - first), &out[first]);
  }
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
