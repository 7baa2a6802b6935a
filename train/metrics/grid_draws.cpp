#include "train/metrics/grid_draws.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace eqp::train {

ad::Tensor draw_from_grid(const Grid& grid, std::size_t n, ad::Key key) {
  const double top = *std::ranges::max_element(grid.values);
  std::vector<double> running;  // the distribution function over the cells
  double total = 0;
  for (const double v : grid.values) running.push_back(total += std::exp(v - top));
  if (!std::isfinite(total)) {
    throw std::invalid_argument("draw_from_grid: the density is not finite everywhere");
  }
  const std::size_t d = grid.box.dim();
  const double width = grid.box.width() / double(grid.nx);
  const double height = grid.box.height() / double(grid.ny);
  ad::Tensor x({n, d});
  for (std::size_t i = 0; i < n; ++i) {
    ad::Draws draws(key, std::uint32_t(i));
    const auto at = std::ranges::lower_bound(running, draws.uniform() * total);
    const std::size_t cell = std::size_t(at - running.begin());
    x(i, 0) = Real(grid.box.x_min + width * (double(cell % grid.nx) + draws.uniform()));
    if (d == 2)
      x(i, 1) = Real(grid.box.y_min + height * (double(cell / grid.nx) + draws.uniform()));
  }
  return x;
}

}  // namespace eqp::train
