#pragma once

#include <span>

#include "autodiff/real.hpp"

namespace eqp::train {

/// Scales the gradient to at most `limit` in Euclidean norm, if limit > 0. Returns the norm before.
/// PyTorch's clip_grad_norm_ ends at limit / (1 + 1e-6 / norm).
double clip_norm(std::span<Real> gradient, double limit);

/// Cuts every entry to [-limit, limit], if limit > 0.
void clip_value(std::span<Real> gradient, double limit);

}  // namespace eqp::train
