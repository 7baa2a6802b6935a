#pragma once

#include <unordered_map>

#include "autodiff/tape.hpp"

// Forward mode without rules of its own: an op's derivative rule is linear in the cotangent, so
// that the derivative of the rule by the cotangent is the op's map of tangents.
namespace eqp::ad {

/// Tangents by node; of the nodes that are missing they are zero.
using Tangents = std::unordered_map<std::uint32_t, Var>;

/// The maps of tangents of a tape's nodes. Each rule is recorded once, however many directions use
/// it.
class Forward {
 public:
  explicit Forward(Tape& tape) : tape_(tape) {}

  /// The tangent of node `id` for tangents of its inputs, which may be empty; empty when zero.
  Var map(std::uint32_t id, const Vars& in);
  /// Tangents of the inputs of a node, empty where they are zero.
  Vars inputs(std::uint32_t id, const Tangents& tangents) const;
  /// The tangent of y when the nodes in `seeds` move as they say, whatever they are computed from;
  /// an empty seed stands still. Empty when zero.
  Var tangent(Var y, Tangents seeds);
  /// Whether map(id, in) itself changes when these inputs of the node do, or its output.
  bool curved(std::uint32_t id, const Vars& moving);

 private:
  struct Rule {
    Var u;
    Vars cotangents;
  };
  const Rule& rule(std::uint32_t id);

  Tape& tape_;
  std::unordered_map<std::uint32_t, Rule> rules_;
};

/// The nodes that x moves and y needs, in order.
std::vector<std::uint32_t> between(Var x, Var y);

}  // namespace eqp::ad
