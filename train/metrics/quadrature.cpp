#include "train/metrics/quadrature.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "autodiff/parallel.hpp"

namespace eqp::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Gauss-Lobatto with 4 points on (0, 1), exact to degree 5: 0, (1 -+ 1/sqrt(5)) / 2, 1.
constexpr std::size_t kOrder = 4;
constexpr std::array<double, kOrder> kAbscissae{0, 0.27639320225002103, 0.72360679774997897, 1};
constexpr std::array<double, kOrder> kWeights{1.0 / 12, 5.0 / 12, 5.0 / 12, 1.0 / 12};

// A straight cut through a cell gives the points on one side at most this much too much or too
// little weight: the cut just before the second abscissa, 0.28 of the cell, leaves 1/12 there.
constexpr double kBorderError = 0.2;

/// Equal cells: lower corners, and the one size.
struct Cells {
  std::size_t dim;
  std::array<double, 2> size;
  std::vector<std::array<double, 2>> corners;

  std::size_t children() const { return dim == 1 ? 2 : 4; }
  std::size_t points() const { return dim == 1 ? kOrder : kOrder * kOrder; }
  double volume() const { return dim == 1 ? size[0] : size[0] * size[1]; }
};

Cells first_cells(const Box& box, std::size_t n) {
  const double count = static_cast<double>(n);
  Cells cells{box.dim(), {box.width() / count, box.height() / count}, {}};
  for (std::size_t j = 0; j < (box.dim() == 1 ? 1 : n); ++j) {
    for (std::size_t i = 0; i < n; ++i) {
      cells.corners.push_back({box.x_min + static_cast<double>(i) * cells.size[0],
                               box.y_min + static_cast<double>(j) * cells.size[1]});
    }
  }
  return cells;
}

/// The children of cell c are children() * c, ...
Cells halved(const Cells& cells) {
  Cells result{cells.dim, {cells.size[0] / 2, cells.size[1] / 2}, {}};
  result.corners.reserve(cells.corners.size() * cells.children());
  for (const auto& [x, y] : cells.corners) {
    for (std::size_t k = 0; k < cells.children(); ++k) {
      result.corners.push_back({x + static_cast<double>(k % 2) * result.size[0],
                                y + static_cast<double>(k / 2) * result.size[1]});
    }
  }
  return result;
}

/// The points of all cells, (cells * points(), dim). `pull` draws them towards the centre of their
/// cell by this fraction.
ad::Tensor quadrature_points(const Cells& cells, double pull) {
  ad::Tensor points({cells.corners.size() * cells.points(), cells.dim});
  for (std::size_t row = 0; row < points.rows(); ++row) {
    const auto& corner = cells.corners[row / cells.points()];
    const std::size_t k = row % cells.points();
    const std::array<std::size_t, 2> node{k % kOrder, k / kOrder};
    for (std::size_t axis = 0; axis < cells.dim; ++axis) {
      const double t = 0.5 + (kAbscissae[node[axis]] - 0.5) * (1 - pull);
      points(row, axis) = static_cast<Real>(corner[axis] + t * cells.size[axis]);
    }
  }
  return points;
}

/// (cells, modes + 1) integrals over cells and modes, in units of exp(top); last column: near the
/// edge.
struct Masses {
  double top;
  std::size_t cols;
  std::vector<double> values;

  std::span<double> row(std::size_t c) { return std::span(values).subspan(c * cols, cols); }
  void set_top(double new_top) {
    const double scale = std::exp(top - new_top);
    for (double& v : values) v *= scale;
    top = new_top;
  }
};

/// The integrals over `cells`, with a top of at least `top`.
Masses cell_masses(const Cells& cells, const LogDensity& log_p, const Box& box, const Modes& modes,
                   double top) {
  const std::vector<double> log_values = evaluate(log_p, quadrature_points(cells, 0));
  // A border between modes along the edge of a cell leaves the whole cell in one mode.
  const ad::Tensor points = quadrature_points(cells, 1e-3);
  for (const double v : log_values) top = std::max(top, v);
  Masses masses{top, modes.count + 1,
                std::vector<double>(cells.corners.size() * (modes.count + 1))};
  const ad::Blocks blocks{cells.corners.size(), 256};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    for (std::size_t c = blocks.first(b); c < blocks.first(b) + blocks.size(b); ++c) {
      for (std::size_t k = 0; k < cells.points(); ++k) {
        const std::size_t row = c * cells.points() + k;
        const double weight =
            kWeights[k % kOrder] * (cells.dim == 1 ? 1 : kWeights[k / kOrder]) * cells.volume();
        const double mass = weight * std::exp(log_values[row] - top);
        masses.row(c)[modes.checked(points.row(row))] += mass;
        if (box.near_edge(points.row(row))) masses.row(c)[modes.count] += mass;
      }
    }
  });
  return masses;
}

/// Without the last column.
double whole(std::span<const double> row) {
  return std::accumulate(row.begin(), row.end() - 1, 0.0);
}

bool several_modes(std::span<const double> row) {
  return std::count_if(row.begin(), row.end() - 1, [](double m) { return m > 0; }) > 1;
}

/// The cells to halve again: all but those whose errors, the smallest first, add up to `allowance`.
std::vector<std::size_t> unfinished(const std::vector<double>& errors, double allowance) {
  std::vector<std::size_t> order(errors.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::ranges::stable_sort(order, {}, [&](std::size_t c) { return errors[c]; });
  double spent = 0;
  const auto first =
      std::ranges::find_if(order, [&](std::size_t c) { return (spent += errors[c]) > allowance; });
  std::vector<std::size_t> rest(first, order.end());
  std::ranges::sort(rest);
  return rest;
}

/// The state of the refinement: the active cells with their integrals, and the integrals over the
/// box.
class Refinement {
 public:
  Refinement(const LogDensity& log_p, const Box& box, const Modes& modes,
             const QuadratureOptions& options)
      : log_p_(log_p),
        box_(box),
        modes_(modes),
        options_(options),
        cells_(first_cells(box, options.cells)) {
    masses_ = cell_masses(cells_, log_p_, box_, modes_, std::numeric_limits<double>::lowest());
    evaluations_ = cells_.corners.size() * cells_.points();
    totals_.assign(masses_.cols, 0);
    for (std::size_t c = 0; c < cells_.corners.size(); ++c) {
      for (std::size_t k = 0; k < masses_.cols; ++k) totals_[k] += masses_.row(c)[k];
    }
  }

  bool done() const {
    const bool converged = change_ < options_.tolerance && mass_error_ < options_.mass_tolerance;
    const bool integrable = total() > 0 && std::isfinite(total());
    return converged || !integrable || evaluations_ + cost() > options_.max_evaluations;
  }

  void halve() {
    const Cells parts = halved(cells_);
    Masses fine = cell_masses(parts, log_p_, box_, modes_, masses_.top);
    evaluations_ += cost();
    const double rescale = std::exp(masses_.top - fine.top);
    for (double& t : totals_) t *= rescale;
    masses_.set_top(fine.top);

    const std::vector<double> errors = compare(fine);
    const std::size_t children = cells_.children();
    Cells kept{parts.dim, parts.size, {}};
    Masses kept_masses{fine.top, fine.cols, {}};
    for (const std::size_t c : unfinished(errors, 0.1 * total())) {
      for (std::size_t part = c * children; part < (c + 1) * children; ++part) {
        kept.corners.push_back(parts.corners[part]);
        kept_masses.values.insert(kept_masses.values.end(), fine.row(part).begin(),
                                  fine.row(part).end());
      }
    }
    cells_ = std::move(kept);
    masses_ = std::move(kept_masses);
  }

  Quadrature result() const {
    Quadrature q{masses_.top + std::log(total()), change_, mass_error_,
                 totals_.back() / total(),        {},      evaluations_};
    for (std::size_t k = 0; k < modes_.count; ++k) q.masses.push_back(totals_[k] / total());
    return q;
  }

 private:
  double total() const { return whole(totals_); }
  std::size_t cost() const { return cells_.corners.size() * cells_.children() * cells_.points(); }

  /// Adds the changes to the totals; the error of every cell in units of the tolerances.
  std::vector<double> compare(Masses& fine) {
    std::vector<double> errors(cells_.corners.size());
    double sum = 0, squares = 0, borders = 0;
    for (std::size_t c = 0; c < errors.size(); ++c) {
      double change = -whole(masses_.row(c)), border = 0;
      for (std::size_t k = 0; k < fine.cols; ++k) totals_[k] -= masses_.row(c)[k];
      for (std::size_t part = c * cells_.children(); part < (c + 1) * cells_.children(); ++part) {
        const auto row = fine.row(part);
        for (std::size_t k = 0; k < fine.cols; ++k) totals_[k] += row[k];
        change += whole(row);
        if (several_modes(row)) border += kBorderError * whole(row);
      }
      errors[c] = std::max(std::abs(change) / options_.tolerance, border / options_.mass_tolerance);
      sum += change;
      squares += change * change;
      borders += border;
    }
    change_ = std::max(std::abs(sum), std::sqrt(squares)) / total();
    mass_error_ = borders / total();
    return errors;
  }

  const LogDensity& log_p_;
  const Box& box_;
  const Modes& modes_;
  const QuadratureOptions& options_;
  Cells cells_;
  Masses masses_;
  std::vector<double> totals_;
  std::size_t evaluations_ = 0;
  double change_ = kInfinity, mass_error_ = kInfinity;
};

}  // namespace

Quadrature integrate(const LogDensity& log_p, const Box& box, const Modes& modes,
                     const QuadratureOptions& options) {
  box.check("integrate");
  if (options.cells == 0 || !(options.tolerance > 0) || !(options.mass_tolerance > 0)) {
    throw std::invalid_argument("integrate: " + std::to_string(options.cells) +
                                " cells, tolerances " + std::to_string(options.tolerance) +
                                " and " + std::to_string(options.mass_tolerance) +
                                "; need at least 1 cell and positive tolerances");
  }
  Refinement refinement(log_p, box, modes, options);
  while (!refinement.done()) refinement.halve();
  return refinement.result();
}

}  // namespace eqp::train
