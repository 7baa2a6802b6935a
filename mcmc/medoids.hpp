#pragma once

#include <vector>

#include "autodiff/tensor.hpp"

namespace eqp::mcmc {

/// The rows of x (n, d) that are medoids of it: each minimises the sum of Euclidean distances to
/// the rows nearest to it, found by alternation (Park & Jun 2009) from the medoid of all and then
/// the row farthest from those before (Gonzalez 1985). At most k: fewer if fewer rows differ. Costs
/// n^2 d. Needs n >= 1, k >= 1.
std::vector<std::size_t> medoids(ad::ConstView x, std::size_t k);

}  // namespace eqp::mcmc
