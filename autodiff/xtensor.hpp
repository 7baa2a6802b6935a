#pragma once

#include <xtensor/xadapt.hpp>
#include <xtensor/xnoalias.hpp>

#include "autodiff/tensor.hpp"

// Arrays of this library as xtensor expressions, sharing memory:
//   const auto draws = ad::xt_array(samples.view());  xt::mean(draws, {0})
// An expression reads its operands late: never keep one beyond the line it is written on.
namespace eqp::ad {

/// View or ConstView -> an xtensor array of the same shape on the same memory.
template <class T>
auto xt_array(const BasicView<T>& v) {
  xt::svector<std::size_t, Shape::kMaxRank> shape(v.shape.dims().begin(), v.shape.dims().end());
  return xt::adapt(v.data, v.size(), xt::no_ownership(), shape);
}

}  // namespace eqp::ad
