#include <algorithm>
#include <map>

#include "autodiff/ops/silu_orders.hpp"
#include "autodiff/passes/passes.hpp"

namespace eqp::ad {
namespace {

// What is asked of one argument of SiLU.
struct Family {
  std::vector<std::size_t> orders;
  std::size_t uses = 0;  // by SiLU
  bool affine = false;   // the argument is an affine that nobody else uses
  Vars values;           // on the new tape, once recorded
};

using Families = std::map<std::uint32_t, Family>;  // by argument

Families families(const Graph& graph) {
  const Tape& tape = *graph.tape;
  Families found;
  std::vector<std::size_t> uses(tape.size(), 0);
  for (Var v : graph.outputs) ++uses[v.id];
  for (std::uint32_t id = 0; id < tape.size(); ++id) {
    const Node& node = tape.node(id);
    for (std::uint32_t in : node.in) ++uses[in];
    if (const auto order = silu_order(node); order && can_share(*order)) {
      Family& family = found[node.in[0]];
      ++family.uses;
      if (std::ranges::find(family.orders, *order) == family.orders.end()) {
        family.orders.push_back(*order);
      }
    }
  }
  for (auto& [id, family] : found) {
    family.affine = is_affine(tape.node(id)) && family.uses == uses[id];
  }
  std::erase_if(found,
                [](const auto& f) { return f.second.orders.size() < 2 && !f.second.affine; });
  return found;
}

}  // namespace

Graph share_activations(const Graph& graph) {
  Families found = families(graph);
  if (found.empty()) return graph;
  return rewrite(graph, [&](const Rewriting& r) -> Var {
    const auto order = silu_order(r.node);
    if (!order || !can_share(*order)) return {};
    const auto it = found.find(r.node.in[0]);
    if (it == found.end()) return {};
    Family& family = it->second;
    if (family.values.empty()) {
      // Without its bias the product need not begin from a copy of it in every row.
      const Node& argument = r.tape.node(r.in[0].id);
      const auto in = [&](std::size_t i) { return Var{&r.tape, argument.in[i]}; };
      family.values = family.affine
                          ? silu_orders(matmul(in(0), in(1), {.b = argument.attr.index[1] != 0}),
                                        in(2), family.orders)
                          : silu_orders(r.in[0], {}, family.orders);
    }
    const auto at = std::ranges::find(family.orders, *order) - family.orders.begin();
    return family.values[std::size_t(at)];
  });
}

}  // namespace eqp::ad
