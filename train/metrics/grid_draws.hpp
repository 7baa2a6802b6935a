#pragma once

#include "autodiff/random.hpp"
#include "train/metrics/grid.hpp"

namespace eqp::train {

/// n draws (n, d) from a tabulated density, without any Markov chain: a cell by its mass, then a
/// uniform point in it. Row i depends on (key, i) only. Throws std::invalid_argument unless the
/// tabulated mass is finite and positive.
ad::Tensor draw_from_grid(const Grid& grid, std::size_t n, ad::Key key);

}  // namespace eqp::train
