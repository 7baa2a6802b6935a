#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "autodiff/tensor.hpp"

// Randomness as a function: a draw depends on its address (seed, stream, chain, step, index) and on
// nothing else, so re-threading, re-ordering or resuming cannot change a result. The generator is
// Philox4x32-10 (Salmon et al. 2011): key = seed, counter = (index, step, chain, stream).
namespace eqp::ad {

/// Names one family of draws. Two keys that differ give independent draws.
struct Key {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;

  /// The n-th child: a key for a sub-task, independent of this key's own draws and of its siblings.
  Key fork(std::uint32_t n) const;
  bool operator==(const Key&) const = default;
};

/// One Philox4x32-10 block of 4 words at a counter.
std::array<std::uint32_t, 4> philox(std::uint64_t key, const std::array<std::uint32_t, 4>& counter);

/// Successive scalar draws at one (key, chain, step), for code outside hot loops.
class Draws {
 public:
  explicit Draws(Key key, std::uint32_t chain = 0, std::uint32_t step = 0)
      : key_(key), chain_(chain), step_(step) {}
  /// Uniform on the open interval (0, 1), 52 bits.
  double uniform();
  double normal();
  /// Uniform on {0, ..., n - 1}. Needs n >= 1.
  std::size_t below(std::size_t n);

 private:
  Key key_;
  std::uint32_t chain_, step_, index_ = 0;
};

/// The draws of a block of chains at one step: row i of a block belongs to chain first_chain + i.
struct BlockRng {
  Key key;
  std::uint32_t step = 0;
  std::uint32_t first_chain = 0;

  /// Fills out (n, ...) with standard normals, row i from chain first_chain + i.
  void normal(View out) const;
  /// The same with uniforms on the open interval (0, 1), independent of the normals: 23 bits in
  /// single, 52 in double precision.
  void uniform(View out) const;
  /// Uniform on (0, 1) of row i's chain; `index` tells apart several uniforms of one step.
  double uniform(std::size_t i, std::uint32_t index = 0) const;
  /// out[i] = uniform(i, index) for a whole block, many times as fast.
  void uniform(std::span<double> out, std::uint32_t index = 0) const;
  /// The same chains and step under the key's n-th child, for a kernel made of several parts.
  BlockRng fork(std::uint32_t n) const { return {key.fork(n), step, first_chain}; }
};

/// (n, ...) standard normals, row i at chain i, step 0.
Tensor normal(const Shape& shape, Key key);
/// (n, ...) uniforms on (0, 1).
Tensor uniform(const Shape& shape, Key key);
/// m distinct elements of 0 ... n - 1 in random order (Fisher & Yates), a function of (key, step).
/// Throws std::invalid_argument for m > n.
std::vector<std::size_t> sample_without_replacement(std::size_t n, std::size_t m, Key key,
                                                    std::uint32_t step = 0);
/// A random permutation of 0 ... n - 1.
inline std::vector<std::size_t> permutation(std::size_t n, Key key, std::uint32_t step = 0) {
  return sample_without_replacement(n, n, key, step);
}

}  // namespace eqp::ad
