#pragma once

#include "autodiff/params.hpp"

// Derivatives, recorded on the tape of y as the ops they are made of: any order, any mixture.
namespace eqp::ad {

/// Cotangents of xs for the cotangent u of y: sum_k u_k dy_k/dx for each x; zeros where y does not
/// depend on x. u has y's shape. Throws std::logic_error for an x that is a `full`, which is not
/// kept as a value.
Vars vjp(Var y, const Vars& xs, Var u);
Var vjp(Var y, Var x, Var u);
/// d sum(y) / dx, of x's shape. For a y (n) whose rows are independent: the gradient per row.
Var grad(Var y, Var x);
Vars grad(Var y, const Vars& xs);
/// d sum(y) / d parameters, flat (params.size()).
Var grad(Var y, const Params& params);
/// dy/dx v, of y's shape.
Var jvp(Var y, Var x, Var v);
/// d^2 sum(y) / dx^2 v, of x's shape.
Var hvp(Var y, Var x, Var v);

// Curvature and divergence, at the price of one jvp per direction; no gradient is recorded, and
// the result has derivatives itself. `x` (n, d), and row i of `y` or `f` depends on row i of x
// alone; otherwise sums over rows come out mixed.

/// d^2/dt^2 y(x + t v) at t = 0, of y's shape. For a y (n): v_i' H_i v_i per row.
Var second_directional(Var y, Var x, Var v);
/// sum_j d^2 y_i / dx_ij^2.  y (n), x (n, d) -> (n)
Var laplacian(Var y, Var x);
/// Hutchinson's estimate of it: the mean over k of v_k' H v_k for probes whose entries are
/// independent with mean 0 and variance 1 (Hutchinson 1990).  probes (k, n, d) -> (n)
Var hutchinson_laplacian(Var y, Var x, Var probes);
/// The trace of the Jacobian of a vector field, sum_j df_ij / dx_ij.  f (n, d), x (n, d) -> (n)
Var divergence(Var f, Var x);
/// Hutchinson's estimate of it: the mean over k of v_k' J v_k.  probes (k, n, d) -> (n)
Var hutchinson_divergence(Var f, Var x, Var probes);

}  // namespace eqp::ad
