#pragma once

#include "train/data/dataset.hpp"

namespace eqp::train {

struct TwoSpiralsOptions {
  double noise = 0.1;  ///< standard deviation across and along the arms
};
/// Two arms that wind one and a half times around the origin, +-(t / 3) (-cos t, sin t) with
/// t = 3 pi sqrt(u) for u uniform on [0, 1], plus N(0, noise^2 I) (after Grathwohl et al. 2019,
/// whose points also move along the diagonal). The density is an integral over t, by 5-point Gauss
/// rules on pieces no longer than the noise. A point belongs to the nearest arm, and each has half
/// of the mass. Throws std::invalid_argument unless the noise is in [0.01, 1].
Distribution two_spirals(const TwoSpiralsOptions& options = {});

}  // namespace eqp::train
