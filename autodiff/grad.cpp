#include "autodiff/grad.hpp"

#include <stdexcept>

#include "autodiff/forward.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/pullback.hpp"

namespace eqp::ad {

Vars vjp(Var y, const Vars& xs, Var u) {
  if (u.shape() != y.shape()) {
    throw std::invalid_argument("vjp: cotangent " + str(u.shape()) + " for a value " +
                                str(y.shape()));
  }
  for (const Var x : xs) {
    if (!as_full(x)) continue;
    throw std::logic_error("vjp: with respect to a full " + str(x.shape()) +
                           ", whose value is part of what uses it; need an input or a parameter");
  }
  Vars result = pullback({y}, {u}, xs);
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (!result[i]) result[i] = full(*y.tape, xs[i].shape(), 0);
  }
  return result;
}

Var vjp(Var y, Var x, Var u) { return vjp(y, Vars{x}, u)[0]; }

Vars grad(Var y, const Vars& xs) { return vjp(y, xs, full(*y.tape, y.shape(), 1)); }
Var grad(Var y, Var x) { return grad(y, Vars{x})[0]; }

Var grad(Var y, const Params& params) {
  Vars leaves;
  for (const Params::Entry& e : params.entries()) {
    leaves.push_back(y.tape->parameter(params, e.offset, e.shape));
  }
  Vars flat;
  for (Var g : grad(y, leaves)) flat.push_back(reshape(g, {g.shape().size()}));
  return concat(flat, 0);
}

Var jvp(Var y, Var x, Var v) {
  one_tape("jvp", {y, x, v});
  if (v.shape() != x.shape()) {
    throw std::invalid_argument("jvp: tangent " + str(v.shape()) + " for a value " +
                                str(x.shape()));
  }
  const Var t = Forward(*y.tape).tangent(y, {{x.id, v}});
  return t ? t : full(*y.tape, y.shape(), 0);
}

Var hvp(Var y, Var x, Var v) { return vjp(grad(y, x), x, v); }

}  // namespace eqp::ad
