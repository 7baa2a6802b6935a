#pragma once

#include "train/data/dataset.hpp"

namespace eqp::train {

struct TwoMoonsOptions {
  double noise = 0.1;                        ///< standard deviation across and along the arcs
  std::vector<double> weights = {0.5, 0.5};  ///< of the upper and the lower moon, any scale
};
/// Two interleaved half circles, (cos t, sin t) and (1 - cos t, 1/2 - sin t) with t uniform on
/// [0, pi], plus N(0, noise^2 I). The density is an integral over t, by 5-point Gauss rules on
/// pieces no longer than noise / 2: log p to 1e-5 within 6 noise of an arc, to 1e-4 of its value
/// far away. A point belongs to the nearest arc. Throws std::invalid_argument unless the noise is
/// in [0.01, 1] and the weights fit.
Distribution two_moons(const TwoMoonsOptions& options = {});

}  // namespace eqp::train
