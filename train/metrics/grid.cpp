#include "train/metrics/grid.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "autodiff/parallel.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::train {
namespace {

/// Cell masses relative to exp(top), and top: the largest value.
struct Relative {
  double top;
  std::vector<double> masses;
};

Relative relative_masses(const Grid& grid) {
  Relative r{std::numeric_limits<double>::lowest(), grid.values};
  for (const double v : grid.values) r.top = std::max(r.top, v);
  for (double& v : r.masses) v = std::exp(v - r.top);
  return r;
}

}  // namespace

LogDensity log_density(const mcmc::Energy& energy, std::size_t dim) {
  const ad::Batched energies(
      {{dim}}, [=](std::span<const ad::Var> in) -> ad::Vars { return {energy(in[0])}; });
  return [=](ad::ConstView x, std::span<double> log_p) {
    ad::Workspace at = energies.workspace(x.rows());
    mcmc::evaluate(at, x);
    for (std::size_t i = 0; i < log_p.size(); ++i) log_p[i] = -double(at.out(0)[i]);
  };
}

std::vector<double> evaluate(const LogDensity& log_p, ad::ConstView points) {
  std::vector<double> values(points.rows());
  const ad::Blocks blocks{points.rows(), kDensityRows};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    const std::size_t first = blocks.first(b), count = blocks.size(b);
    if (count == kDensityRows)
      return log_p(points.slice(first, count), std::span(values).subspan(first, count));
    ad::Tensor padded({kDensityRows, points.cols()});
    for (std::size_t i = 0; i < kDensityRows; ++i) {
      std::ranges::copy(points.row(first + std::min(i, count - 1)), padded.row(i).begin());
    }
    std::vector<double> padded_values(kDensityRows);
    log_p(padded, padded_values);
    std::copy_n(padded_values.begin(), count, values.begin() + static_cast<std::ptrdiff_t>(first));
  });
  return values;
}

bool Box::near_edge(std::span<const Real> x) const {
  const auto near = [](double v, double low, double high) {
    return std::min(v - low, high - v) < 0.02 * (high - low);
  };
  return near(x[0], x_min, x_max) || (dim() == 2 && near(x[1], y_min, y_max));
}

void Box::check(const char* who) const {
  if (!(std::isfinite(width()) && std::isfinite(height()) && width() > 0 && height() >= 0)) {
    throw std::invalid_argument(std::string(who) + ": box [" + std::to_string(x_min) + ", " +
                                std::to_string(x_max) + "] x [" + std::to_string(y_min) + ", " +
                                std::to_string(y_max) +
                                "]; need finite bounds in increasing order");
  }
}

double Grid::cell_volume() const {
  const double volume = box.dim() == 1 ? box.width() : box.width() * box.height();
  return volume / static_cast<double>(nx * ny);
}

ad::Tensor grid_points(const Box& box, std::size_t nx, std::size_t ny) {
  box.check("grid");
  if (nx == 0 || ny == 0 || (box.dim() == 1 && ny != 1)) {
    throw std::invalid_argument(
        "grid: " + std::to_string(nx) + " x " + std::to_string(ny) +
        " cells; need at least 1 per axis, and exactly 1 across an interval");
  }
  ad::Tensor points({nx * ny, box.dim()});
  for (std::size_t k = 0; k < nx * ny; ++k) {
    const double x = (static_cast<double>(k % nx) + 0.5) / static_cast<double>(nx);
    const double y = (static_cast<double>(k / nx) + 0.5) / static_cast<double>(ny);
    points(k, 0) = static_cast<Real>(box.x_min + x * box.width());
    if (box.dim() == 2) points(k, 1) = static_cast<Real>(box.y_min + y * box.height());
  }
  return points;
}

Grid evaluate_grid(const LogDensity& log_p, const Box& box, std::size_t nx, std::size_t ny) {
  return {box, nx, ny, evaluate(log_p, grid_points(box, nx, ny))};
}

double log_z(const Grid& grid) {
  const auto [top, masses] = relative_masses(grid);
  return top + std::log(std::accumulate(masses.begin(), masses.end(), 0.0) * grid.cell_volume());
}

std::vector<double> normalised(const Grid& grid) {
  const double total = log_z(grid);
  std::vector<double> density(grid.values);
  for (double& v : density) v = std::exp(v - total);
  return density;
}

std::vector<double> masses_on_grid(const Grid& grid, const Modes& modes) {
  const auto [top, cells] = relative_masses(grid);
  const ad::Tensor points = grid_points(grid.box, grid.nx, grid.ny);
  std::vector<double> masses(modes.count);
  for (std::size_t k = 0; k < cells.size(); ++k) masses[modes.checked(points.row(k))] += cells[k];
  const double total = std::accumulate(cells.begin(), cells.end(), 0.0);
  for (double& m : masses) m /= total;
  return masses;
}

double edge_mass(const Grid& grid) {
  const auto [top, cells] = relative_masses(grid);
  const ad::Tensor points = grid_points(grid.box, grid.nx, grid.ny);
  double edge = 0;
  for (std::size_t k = 0; k < cells.size(); ++k)
    edge += grid.box.near_edge(points.row(k)) ? cells[k] : 0;
  return edge / std::accumulate(cells.begin(), cells.end(), 0.0);
}

}  // namespace eqp::train
