#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "mcmc/energy.hpp"
#include "train/metrics/mode_weights.hpp"

// Unnormalised densities on the line and in the plane, tabulated on a regular grid.
namespace eqp::train {

/// log p~ of the rows of x (n, d) -> n doubles; -infinity where the density vanishes. Called from
/// several threads at once, always with n = kDensityRows, so one compiled program serves all calls.
using LogDensity = std::function<void(ad::ConstView x, std::span<double> log_p)>;
inline constexpr std::size_t kDensityRows = 512;

/// -U as a function of points (n, dim), following the parameters as they move.
LogDensity log_density(const mcmc::Energy& energy, std::size_t dim);

/// log_p at any number of points (n, d): calls with blocks of exactly kDensityRows rows, in
/// parallel, the last one filled up with copies of the last point.
std::vector<double> evaluate(const LogDensity& log_p, ad::ConstView points);

/// An axis-parallel box; an interval (d = 1) if y_min = y_max.
struct Box {
  double x_min, x_max, y_min = 0, y_max = 0;

  std::size_t dim() const { return y_min == y_max ? 1 : 2; }
  double width() const { return x_max - x_min; }
  double height() const { return y_max - y_min; }
  /// Whether x (d) lies within 2 % of the box's width or height of its edge.
  bool near_edge(std::span<const Real> x) const;
  /// Throws std::invalid_argument, in the name of `who`, unless finite with x_min < x_max, y_min <=
  /// y_max.
  void check(const char* who) const;
};

/// log p~ at the centres of nx * ny equal cells of a box, rows from y_min up, each from x_min up.
struct Grid {
  Box box;
  std::size_t nx, ny;
  std::vector<double> values;  ///< (ny, nx)

  double cell_volume() const;
};

/// The centres of the cells of `box`, (ny * nx, d), in the order of Grid::values.
ad::Tensor grid_points(const Box& box, std::size_t nx, std::size_t ny);

/// Tabulates log_p. An interval needs ny = 1.
Grid evaluate_grid(const LogDensity& log_p, const Box& box, std::size_t nx, std::size_t ny);

/// log Z by the midpoint rule: superexponentially accurate for a smooth density that vanishes at
/// the edge, O(h^2) for one with kinks. NaN if any value is NaN or +infinity.
double log_z(const Grid& grid);
/// The density at the centres of the cells, normalised by that.
std::vector<double> normalised(const Grid& grid);

/// Fraction of the mass in each mode, by the midpoint rule. A cell belongs to its centre's mode:
/// error O(h p) along a border between modes where the density is p.
std::vector<double> masses_on_grid(const Grid& grid, const Modes& modes);

/// Fraction of the mass within the outermost 2 % of the box: above 1e-3 or so, the box is too small
/// or the density cannot be normalised.
double edge_mass(const Grid& grid);

}  // namespace eqp::train
