#pragma once

#include "nn/egnn_layer.hpp"

namespace eqp::nn {

struct EgnnOptions {
  /// Of each particle, counted from 0. Their number is that of the particles.
  std::vector<std::size_t> species;
  /// Of space.
  std::size_t dim = 2;
  PairGeometry geometry = PairGeometry::smooth_periodic;
  /// Side L of the torus; unused in Euclidean space.
  double box = 1;
  std::size_t width = 32, layers = 3;
};

/// A velocity of N particles that turns, shifts and permutes with them: the equivariant graph
/// network (Satorras et al. 2021, eqs. 3-6) on a torus, as in "Riemannian Stochastic Interpolants
/// for Amorphous Particle Systems" (Grenioux et al. 2025). Over all ordered pairs, with the
/// directions v_ij and squared distances r_ij of `geometry` and a_ij = r_ij at the input,
///   h_i = embedding([t, one-hot species_i]), and per layer
///   m_ij = e sigmoid(att_mlp(e)),  e = SiLU(edge_mlp([h_i, h_j, r_ij, a_ij])),
///   x_i <- x_i + sum_j v_ij / (sqrt(r_ij + 1e-8) + 1) (15 / layers) tanh(coord_mlp(m_ij)),
///   h_i <- h_i + node_mlp([h_i, sum_j m_ij]).
/// The velocity is how far x went: the shortest way there on the torus for `nearest_image`, as
/// published; all of the way for `smooth_periodic`, which has no place to jump; less its mean over
/// the particles in Euclidean space. It starts near 0: the last layer of coord_mlp has no bias and
/// a gain of 1e-3.
///
/// On a torus it does not change when particles move by L along an axis, and follows axes that are
/// swapped or turned around; in Euclidean space it follows rotations and reflections. Species only
/// change places among themselves.
///
/// Parameters have the published names: `<name>.embedding`, `<name>.gcl_<l>.edge_mlp.0`, ... A
/// single species is not embedded. `<name>.embedding_out`, which reads the last h, and the last
/// layer's node_mlp are published and counted, but no value depends on them: 22 598 parameters for
/// two species, width 32 and 3 layers.
class Egnn {
 public:
  /// Throws std::invalid_argument for fewer than 2 particles, a width, dim or number of layers of
  /// 0, or on a torus a box that is not finite and positive.
  Egnn(ad::Params& params, const std::string& name, const EgnnOptions& options, ad::Key key);

  std::size_t particles() const { return pairs_.particles(); }
  /// Coordinates of all particles.
  std::size_t dim() const { return particles() * space_; }

  /// t (n) or (n, 1), x (n, N dim), a particle's coordinates side by side -> (n, N dim)
  ad::Var operator()(ad::Var t, ad::Var x) const;

 private:
  // (n N, width)
  ad::Var features(ad::Var t) const;
  // From how far every particle went, (n, dim, N).
  ad::Var velocity(ad::Var moved) const;

  std::string name_;
  Pairs pairs_;
  std::size_t space_;
  PairGeometry geometry_;
  double box_;
  ad::Tensor one_hot_;  // (N, species)
  Linear embedding_;
  std::vector<EgnnLayer> layers_;
};

}  // namespace eqp::nn
