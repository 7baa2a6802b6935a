#pragma once

#include <cstddef>
#include <vector>

#include "train/metrics/grid.hpp"

// log Z and mode masses of an unnormalised density in one or two dimensions.
//
// Cells of a regular grid, each with 4 x 4 Gauss-Lobatto points, are halved again and again, but
// only those that still change: cells whose changes add up to less than a tenth of the tolerance
// are final. Smooth parts are done after one or two halvings; what is left are the kinks of
// piecewise-linear energies (leaky ReLU), where every linear rule is of second order, and the
// borders between modes. Points at the corners see a kink that cuts a corner off, which the points
// of a Gauss-Legendre rule miss.
namespace eqp::train {

struct QuadratureOptions {
  /// On the change of log Z by the last halving.
  double tolerance = 1e-6;
  /// On the error of the masses, whose cells on the borders between modes are all halved down to
  /// it.
  double mass_tolerance = 2e-4;
  /// Per axis, at first: 128 points per axis. A spike between them is missed.
  std::size_t cells = 32;
  std::size_t max_evaluations = 8'000'000;
};

struct Quadrature {
  double log_z;
  /// Change of log Z by the last halving: the larger of its absolute value and the root of the sum
  /// of squares over cells (which an accidental cancellation does not make small). Above the
  /// tolerance if max_evaluations came first; infinite if no halving was possible.
  double change;
  double mass_error;           ///< bound on the error of a mode's mass, by the cells on the borders
  double edge_mass;            ///< fraction of the mass in the outermost 2 % of the box
  std::vector<double> masses;  ///< fraction of the mass in each mode
  std::size_t evaluations;     ///< of the log density
};

/// Integrates exp(log_p) over the box and over each mode in it. Mass outside the box is not seen:
/// look at edge_mass. A NaN or +infinity of log_p gives NaN; a density that is 0 at all points
/// gives log_z = -infinity. Throws std::invalid_argument for an empty box, no cells or no
/// tolerance.
Quadrature integrate(const LogDensity& log_p, const Box& box, const Modes& modes = {},
                     const QuadratureOptions& options = {});

}  // namespace eqp::train
