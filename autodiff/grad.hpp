#pragma once

#include "autodiff/params.hpp"

// Derivatives, recorded on the tape of y as the ops they are made of: any order, any mixture.
namespace eqp::ad {

/// Cotangents of xs for the cotangent u of y: sum_k u_k dy_k/dx for each x; zeros where y does not
/// depend on x. u has y's shape.
Vars vjp(Var y, const Vars& xs, Var u);
Var vjp(Var y, Var x, Var u);
/// d sum(y) / dx, of x's shape. For a y (n) whose rows are independent: the gradient per row.
Var grad(Var y, Var x);
Vars grad(Var y, const Vars& xs);
/// d sum(y) / d parameters, flat (params.size()).
Var grad(Var y, const Params& params);
/// dy/dx v, of y's shape: the vjp of the vjp, which is linear in its cotangent.
Var jvp(Var y, Var x, Var v);
/// d^2 sum(y) / dx^2 v, of x's shape.
Var hvp(Var y, Var x, Var v);
/// sum_j d^2 y_i / dx_ij^2.  y (n) with independent rows, x (n, d) -> (n). Costs d hvps.
Var laplacian(Var y, Var x);

}  // namespace eqp::ad
