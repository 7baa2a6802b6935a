#include <algorithm>
#include <stdexcept>

#include "autodiff/passes/passes.hpp"

namespace eqp::ad {
namespace {

// What can be computed at all: all but placeholders and what depends on them.
std::vector<bool> computable(const Graph& graph) {
  const Tape& tape = *graph.tape;
  std::vector<bool> ok(tape.size());
  for (std::uint32_t id = 0; id < tape.size(); ++id) {
    const Node& node = tape.node(id);
    const bool listed = std::ranges::find(graph.inputs, id, &Var::id) != graph.inputs.end();
    ok[id] = node.op != &kPlaceholder && (node.op != &kInput || listed) &&
             std::ranges::all_of(node.in, [&](std::uint32_t in) { return ok[in]; });
  }
  return ok;
}

std::vector<bool> needed(const Graph& graph) {
  std::vector<bool> needed(graph.tape->size(), false);
  for (Var v : graph.inputs) needed[v.id] = true;
  for (Var v : graph.outputs) needed[v.id] = true;
  for (std::uint32_t id = std::uint32_t(needed.size()); id-- > 0;) {
    if (!needed[id]) continue;
    for (std::uint32_t in : graph.tape->node(id).in) needed[in] = true;
  }
  return needed;
}

void check_outputs(const Graph& graph, const std::vector<bool>& computable,
                   const std::vector<bool>& needed) {
  for (std::uint32_t id = 0; id < needed.size(); ++id) {
    if (!needed[id] || computable[id]) continue;
    throw std::logic_error(graph.tape->node(id).op == &kPlaceholder
                               ? "compile: an output depends on a placeholder"
                               : "compile: an output depends on an input that is not listed");
  }
}

}  // namespace

Graph drop_dead_code(const Graph& graph, bool all) {
  const std::vector<bool> can = computable(graph), must = needed(graph);
  check_outputs(graph, can, must);
  const std::vector<bool>& keep = all ? must : can;
  const Tape& from = *graph.tape;
  Graph to{std::make_shared<Tape>(from.merges()), {}, {}};
  Vars now(from.size());
  Vars in;
  for (std::uint32_t id = 0; id < from.size(); ++id) {
    if (!keep[id]) continue;
    const Node& node = from.node(id);
    const Scope scope(*to.tape, from, node);
    in.clear();
    for (std::uint32_t i : node.in) in.push_back(now[i]);
    now[id] = to.tape->copy(from, id, in);
  }
  for (Var v : graph.inputs) to.inputs.push_back(now[v.id]);
  for (Var v : graph.outputs) to.outputs.push_back(now[v.id]);
  return to;
}

}  // namespace eqp::ad
