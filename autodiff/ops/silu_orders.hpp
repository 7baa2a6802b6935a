#pragma once

#include "autodiff/ops.hpp"

// SiLU and its derivatives of several orders at once. Programs use it where a recorded function
// asks for more than one of them of the same value: they share the logistic function, which is most
// of their cost.
namespace eqp::ad {

/// The order of the derivative of SiLU that a node computes; empty for other ops.
std::optional<std::size_t> silu_order(const Node& node);
/// Whether silu_orders takes this order.
bool can_share(std::size_t order);

/// Derivatives of the wanted orders of silu(x + bias), each of x's shape. bias is the size of x's
/// last axis, or empty.
Vars silu_orders(Var x, Var bias, const std::vector<std::size_t>& wanted);

}  // namespace eqp::ad
