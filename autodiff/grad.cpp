#include "autodiff/grad.hpp"

#include <stdexcept>

#include "autodiff/ops.hpp"

namespace eqp::ad {
namespace {

// Which nodes up to y depend on one of xs: only through those do cotangents flow.
std::vector<bool> dependents(const Tape& tape, Var y, const Vars& xs) {
  std::vector<bool> depends(y.id + 1, false);
  for (Var x : xs) {
    if (x.id <= y.id) depends[x.id] = true;
  }
  for (std::uint32_t id = 0; id <= y.id; ++id) {
    const Node& node = tape.node(id);
    if (!node.op->vjp) continue;
    for (std::uint32_t in : node.in) depends[id] = depends[id] || depends[in];
  }
  return depends;
}

}  // namespace

Vars vjp(Var y, const Vars& xs, Var u) {
  Tape& tape = *y.tape;
  if (u.shape() != y.shape()) {
    throw std::invalid_argument("vjp: cotangent " + str(u.shape()) + " for a value " +
                                str(y.shape()));
  }
  for (Var x : xs) {
    if (x.tape != &tape) throw std::logic_error("vjp: x and y live on different tapes");
  }
  const std::vector<bool> depends = dependents(tape, y, xs);
  Vars cotangent(y.id + 1);
  cotangent[y.id] = u;
  for (std::uint32_t id = y.id + 1; id-- > 0;) {
    if (!cotangent[id] || !depends[id] || tape.node(id).in.empty()) continue;
    const Node& node = tape.node(id);
    if (!node.op->vjp) continue;
    const std::string& scope_name = tape.scope_name(node.scope);
    const std::string layer = scope_name.empty() ? node.op->name : scope_name;
    const Scope scope(
        tape, layer.find("gradient of ") != std::string::npos ? layer : "gradient of " + layer);
    Vars in;
    for (std::uint32_t i : node.in) in.push_back({&tape, i});
    const Vars g = node.op->vjp({in, {&tape, id}, cotangent[id], node.attr});
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!g[i] || !depends[in[i].id]) continue;
      Var& sum = cotangent[in[i].id];
      sum = sum ? sum + g[i] : g[i];
    }
  }
  Vars result;
  for (Var x : xs) {
    const bool reached = x.id <= y.id && cotangent[x.id];
    result.push_back(reached ? cotangent[x.id] : full(tape, x.shape(), 0));
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
  if (v.shape() != x.shape()) {
    throw std::invalid_argument("jvp: tangent " + str(v.shape()) + " for a value " +
                                str(x.shape()));
  }
  const Var u = y.tape->placeholder(y.shape());
  return vjp(vjp(y, x, u), u, v);
}

Var hvp(Var y, Var x, Var v) { return vjp(grad(y, x), x, v); }

Var laplacian(Var y, Var x) {
  const Shape& s = x.shape();
  if (s.rank() != 2 || y.shape() != Shape{s[0]}) {
    throw std::invalid_argument("laplacian: y " + str(y.shape()) + ", x " + str(s) +
                                ": need (n) and (n, d)");
  }
  const Var g = grad(y, x);
  Var total;
  for (std::size_t j = 0; j < s[1]; ++j) {
    const Var gj = slice(g, 1, j, j + 1);
    const Var second = slice(grad(gj, x), 1, j, j + 1);
    total = total ? total + second : second;
  }
  return reshape(total, {s[0]});
}

}  // namespace eqp::ad
