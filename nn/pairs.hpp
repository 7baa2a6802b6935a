#pragma once

#include <vector>

#include "autodiff/ops.hpp"

namespace eqp::nn {

/// The N (N - 1) ordered pairs (i, j), j != i, of N particles. Those of one i lie side by side, so
/// that a sum over j is one along an axis.
class Pairs {
 public:
  /// Throws std::invalid_argument for fewer than 2 particles.
  explicit Pairs(std::size_t particles);

  std::size_t particles() const { return particles_; }
  std::size_t size() const { return second_.size(); }

  /// The value at i, or at j, of every pair.  v with N along `axis` -> with N (N - 1)
  ad::Var first(ad::Var v, std::size_t axis) const;
  ad::Var second(ad::Var v, std::size_t axis) const;
  /// Sums over j.  v with N (N - 1) along `axis` -> with N
  ad::Var sum(ad::Var v, std::size_t axis) const;

 private:
  std::size_t particles_;
  std::vector<std::size_t> second_;  // j of every pair
};

/// How a particle at x_i sees one at x_j, through d = x_i - x_j along each axis.
enum class PairGeometry {
  /// v = d, r = |d|^2.
  euclidean,
  /// On a torus of side L, v = d - L round(d / L), r = |v|^2: the shortest way. v jumps where
  /// |v_a| = L / 2, the cut locus, and with it everything that follows.
  nearest_image,
  /// On a torus of side L, v_a = L/(2 pi) sin(2 pi d_a / L), r = sum_a L^2/(2 pi^2)
  /// (1 - cos(2 pi d_a / L)): equal to the others for small d, and smooth everywhere.
  smooth_periodic,
};

/// v (n, dim, pairs) and r (n, 1, pairs).
struct Separation {
  ad::Var direction, squared;
};

/// d (n, dim, pairs); `box` is L.
Separation separation(ad::Var d, PairGeometry geometry, double box);

/// d - L round(d / L), in [-L/2, L/2].
ad::Var nearest_image(ad::Var d, double box);

}  // namespace eqp::nn
