#pragma once

#include "autodiff/ops/pieces.hpp"

namespace eqp::train {

/// f(first, n) on pieces of `size` parameters, in parallel: a rule moves each of them by itself.
/// The loop over a piece takes its coefficients by value: to references its stores might write, and
/// nothing would be vectorised.
template <class F>
void in_pieces(std::size_t size, F f) {
  constexpr std::size_t kPiece = std::size_t(1) << 14;  // parameters worth a task
  ad::in_pieces(size, kPiece, [&](std::size_t first, std::size_t last) { f(first, last - first); });
}

}  // namespace eqp::train
