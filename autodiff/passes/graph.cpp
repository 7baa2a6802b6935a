#include "autodiff/passes/graph.hpp"

namespace eqp::ad {
namespace {

std::vector<std::uint32_t> count_uses(const Graph& graph) {
  std::vector<std::uint32_t> uses(graph.tape->size(), 0);
  for (std::uint32_t id = 0; id < graph.tape->size(); ++id) {
    for (std::uint32_t in : graph.tape->node(id).in) ++uses[in];
  }
  for (Var v : graph.outputs) ++uses[v.id];
  return uses;
}

}  // namespace

std::vector<bool> depends_on_input(const Graph& graph) {
  const Tape& tape = *graph.tape;
  std::vector<bool> depends(tape.size(), false);
  for (std::uint32_t id = 0; id < tape.size(); ++id) {
    depends[id] = tape.node(id).op == &kInput;
    for (std::uint32_t in : tape.node(id).in) depends[id] = depends[id] || depends[in];
  }
  return depends;
}

Graph rewrite(const Graph& graph, const Rule& rule) {
  const Tape& from = *graph.tape;
  Graph to{std::make_shared<Tape>(from.merges()), {}, {}};
  const std::vector<std::uint32_t> uses = count_uses(graph);
  const std::vector<bool> depends = depends_on_input(graph);
  Vars now(from.size());
  Vars in;
  for (std::uint32_t id = 0; id < from.size(); ++id) {
    const Node& node = from.node(id);
    const Scope scope(*to.tape, from, node);
    in.clear();
    for (std::uint32_t i : node.in) in.push_back(now[i]);
    if (node.op->shape) now[id] = rule({*to.tape, node, in, uses, depends});
    if (!now[id]) now[id] = to.tape->copy(from, id, in);
  }
  for (Var v : graph.inputs) to.inputs.push_back(now[v.id]);
  for (Var v : graph.outputs) to.outputs.push_back(now[v.id]);
  return to;
}

}  // namespace eqp::ad
