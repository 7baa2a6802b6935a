#pragma once

#include <string>

#include "autodiff/ops.hpp"
#include "autodiff/ops/simd.hpp"
#include "autodiff/passes/graph.hpp"

// What the files that define ops share: shape rules and elementwise forwards.
namespace eqp::ad {

/// view of an op whose output is all of the input's memory, under a shape of its own.
inline std::optional<std::size_t> whole(const Shape&, const Attr&) { return 0; }

inline Shape same_shape(std::span<const Var> in, const Attr&) { return in[0].shape(); }

/// Shape rule of a primitive on several values of one shape.
Shape equal_shapes(const char* who, std::span<const Var> in);

/// forward of an elementwise op from one expression, f(Batch...) -> Batch.
template <auto f>
void elementwise1(In in, Out out, const Attr&) {
  map(out.flat(), f, in[0].data);
}
template <auto f>
void elementwise2(In in, Out out, const Attr&) {
  map(out.flat(), f, in[0].data, in[1].data);
}
/// The same with the op's scalars: f(Batch, Batch scalar0, Batch scalar1).
template <auto f>
void elementwise_scalar(In in, Out out, const Attr& attr) {
  const Batch c(Real(attr.scalar[0])), e(Real(attr.scalar[1]));
  map(
      out.flat(), [&](Batch x) { return f(x, c, e); }, in[0].data);
}

/// Records a primitive on equal shapes after stretching both sides.
Var broadcast_binary(const Op& op, Var a, Var b);

/// Throws std::invalid_argument "who: axis 3 of (4, 2): need less than 2".
void check_axis(const char* who, const Shape& shape, std::size_t axis);

/// An axis in the middle: the array seen as (outer, n, inner).
struct Split {
  std::size_t outer = 1, n = 1, inner = 1;
};
Split split_at(const Shape& shape, std::size_t axis);

}  // namespace eqp::ad
