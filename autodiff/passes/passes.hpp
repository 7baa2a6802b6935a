#pragma once

#include "autodiff/passes/graph.hpp"

// What happens to a recorded function before it runs, in this order.
namespace eqp::ad {

/// Which passes a program goes through. Without one, results are equal up to rounding: for tests,
/// and to see what each is worth.
struct Passes {
  bool merge = true;      // record common sub-expressions once
  bool dead_code = true;  // drop what no output needs
  bool simplify = true;   // algebra
  bool share = true;      // compute an activation and its derivatives together
  bool fold = true;       // compute constants now
  bool hoist = true;      // run what depends on parameters only once per update
  bool reuse = true;      // give the memory of dead values to later ones
};

/// Drops what no output needs. Throws std::logic_error for an output that depends on a placeholder
/// or on an input that is not listed. Without `all`, drops only what cannot be computed.
Graph drop_dead_code(const Graph& graph, bool all = true);

/// Algebra that shows only once the whole function is recorded, such as the transpose of a product,
/// the sum of a broadcast, or a product that adds to a sum by itself: each op's own `simplify`.
Graph simplify(const Graph& graph);

/// Computes SiLU and its derivatives of the same value in one pass, with the bias of the layer
/// before it.
Graph share_activations(const Graph& graph);

/// Computes now what depends on constants only.
Graph fold_constants(const Graph& graph);

}  // namespace eqp::ad
