#pragma once

#include <vector>

#include "autodiff/tensor.hpp"

// Distances between two samples x (n, d) and y (m, d) by means over pairs: they need no matching,
// and stay meaningful where Wasserstein distances between samples are mostly sampling error. Both
// are those of the empirical laws, pairs of a point with itself included: never negative, 0 for
// equal samples, and above 0 by sampling error for two samples of one law. O((n + m)^2 d); pairs
// are summed in a fixed order on any number of threads. A sample with a coordinate that is not
// finite is at distance NaN. They throw std::invalid_argument for samples that are empty or differ
// in d.
namespace eqp::train {

/// The root of 2 E|x - y| - E|x - x'| - E|y - y'| (Szekely & Rizzo 2013); in one dimension the root
/// of twice the integral of the squared difference of the distribution functions, as
/// scipy.stats.energy_distance.
double energy_distance(ad::ConstView x, ad::ConstView y);

/// The maximum mean discrepancy (Gretton et al. 2012, eq. 5), the root of E k(x, x') + E k(y, y') -
/// 2 E k(x, y), with k the mean over the bandwidths h of exp(-|x - y|^2 / (2 h^2)). Throws
/// std::invalid_argument unless there is a bandwidth and all are positive.
double mmd(ad::ConstView x, ad::ConstView y, const std::vector<double>& bandwidths);

/// The median distance between different rows of x (n, d), of two in the middle the larger one, and
/// NaN where one is not finite; the usual bandwidth: of one reference sample, so that calls can be
/// compared. Throws std::invalid_argument for fewer than 2 rows.
double median_distance(ad::ConstView x);

}  // namespace eqp::train
