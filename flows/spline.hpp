#pragma once

#include "flows/monotone.hpp"

// Rational-quadratic splines (Gregory & Delbourgo 1982; Durkan et al. 2019, "Neural spline flows",
// section 3.1): increasing maps of an interval onto itself, each bin a ratio of two quadratics.
namespace eqp::flows {

enum class Tails {
  /// The identity outside of the interval, with slope 1 where they meet.
  linear,
  /// The interval is a circle (Rezende et al. 2020): both ends have one slope, which is free.
  circular,
};

struct SplineOptions {
  std::size_t bins = 8;
  /// The interval is [-bound, bound].
  double bound = 5;
  Tails tails = Tails::linear;
  /// The least width and height of a bin, as parts of the interval, and the least slope of a knot.
  double min_width = 1e-3, min_height = 1e-3, min_slope = 1e-3;
};

/// The family with `bins` raw widths and heights, which pass a softmax, and raw slopes of the inner
/// knots (linear tails, P = 3 bins - 1) or of all (circular, P = 3 bins), which pass a softplus. On
/// a circle, inputs must lie in the interval. One kernel computes value and slope, one their
/// gradient; derivatives of higher order are recorded op by op.
///
/// Throws std::invalid_argument unless there are 2 to 64 bins, the bound is finite and positive,
/// and the least sizes are positive and leave room.
std::shared_ptr<const Monotone> rational_quadratic(const SplineOptions& options = {});

/// The family on a circle of circumference 2 bound that can also turn it (Rezende et al. 2020,
/// "Normalizing flows on tori and spheres"): a circular spline, then a rotation by a last
/// parameter, so that no point stays where it is in all of them. Results lie in [-bound, bound];
/// networks read the cosine and the sine of a coordinate. `options.tails` must be circular.
std::shared_ptr<const Monotone> circular_spline(const SplineOptions& options);

}  // namespace eqp::flows
