#pragma once

#include "autodiff/ops/simd.hpp"

namespace eqp::ad {

/// 1 / (1 + exp(-x))
inline Batch logistic(Batch x) { return Batch(Real(1)) / (Batch(Real(1)) + xsimd::exp(-x)); }

}  // namespace eqp::ad
