#pragma once

#include <functional>
#include <memory>

#include "autodiff/tape.hpp"

// A recorded function on its way to a plan. A pass takes one and returns another with the same
// values, up to rounding.
namespace eqp::ad {

struct Graph {
  std::shared_ptr<Tape> tape;
  Vars inputs, outputs;
};

/// What a rewriting rule sees: a node, its inputs already on the new tape, and how many nodes and
/// outputs of the old graph use each node.
struct Rewriting {
  Tape& tape;
  const Node& node;
  std::span<const Var> in;
  std::span<const std::uint32_t> uses;
  const std::vector<bool>& depends_on_input;

  /// Whether this node alone uses its i-th input.
  bool only_use(std::size_t i) const { return uses[node.in[i]] == 1; }
  /// Whether the i-th input depends on parameters and constants only.
  bool fixed(std::size_t i) const { return !depends_on_input[node.in[i]]; }
};

/// Returns the node's replacement, of the same shape, or an empty Var to keep the node.
using Rule = std::function<Var(const Rewriting&)>;

/// Which nodes depend on an input. The others need to run only once per parameter update.
std::vector<bool> depends_on_input(const Graph& graph);

/// Records the graph anew, node by node, asking `rule` for each that is not a leaf.
Graph rewrite(const Graph& graph, const Rule& rule);

}  // namespace eqp::ad
