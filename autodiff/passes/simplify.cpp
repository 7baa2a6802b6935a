#include "autodiff/passes/passes.hpp"

#include "autodiff/ops.hpp"

namespace eqp::ad {
namespace {

// An elementwise function of values that are all stretched alike, computed before the stretching.
Var before_stretching(const Rewriting& r) {
  const Op& op = *r.node.op;
  if (!op.elementwise || op.view || r.in.empty()) return {};
  Vars small;
  for (const Var v : r.in) {
    const Var source = as_broadcast(v);
    if (!source || (!small.empty() && source.shape() != small[0].shape())) return {};
    small.push_back(source);
  }
  return broadcast_to(record(op, small, r.node.attr), r.node.shape);
}

}  // namespace

Graph simplify(const Graph& graph) {
  return rewrite(graph, [](const Rewriting& r) {
    const Var better = r.node.op->simplify ? r.node.op->simplify(r) : Var{};
    return better ? better : before_stretching(r);
  });
}

}  // namespace eqp::ad
