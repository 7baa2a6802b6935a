#pragma once

#include "autodiff/program.hpp"
#include "nn/egnn.hpp"
#include "tests/nn/naive.hpp"

// Equivariant networks with weights far from where they begin, and batches of particles.
namespace eqp::nn::test {

inline constexpr double kBox = 2.5;
/// Velocities are of order one and pass through all layers.
inline constexpr double kVelocityTolerance = sizeof(Real) == 8 ? 1e-11 : 5e-4;

inline EgnnOptions particles(PairGeometry geometry, std::size_t dim = 2) {
  return {.species = {0, 0, 1, 1, 1},
          .dim = dim,
          .geometry = geometry,
          .box = kBox,
          .width = 8,
          .layers = 2};
}

struct Model {
  explicit Model(const EgnnOptions& o, double scale = 1)
      : options(o), net(params, "egnn", o, {1, 0}) {
    randomise(params, scale, {3, 0});
  }
  /// t (n), x (n, N dim) -> velocity
  ad::Tensor operator()(const ad::Tensor& t, const ad::Tensor& x) const {
    return ad::evaluate([&](auto in) { return ad::Vars{net(in[0], in[1])}; }, {t, x})[0];
  }

  EgnnOptions options;
  ad::Params params;
  Egnn net;
};

/// Uniform in the box.
inline ad::Tensor positions(std::size_t n, const EgnnOptions& options, ad::Key key = {5, 0}) {
  ad::Tensor x = ad::uniform({n, options.species.size() * options.dim}, key);
  for (Real& v : x.flat()) v *= Real(options.box);
  return x;
}

}  // namespace eqp::nn::test
