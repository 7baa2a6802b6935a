#include "autodiff/passes/passes.hpp"

namespace eqp::ad {

Graph simplify(const Graph& graph) {
  return rewrite(graph, [](const Rewriting& r) {
    return r.node.op->simplify ? r.node.op->simplify(r) : Var{};
  });
}

}  // namespace eqp::ad
