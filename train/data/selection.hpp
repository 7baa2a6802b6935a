#pragma once

#include <span>
#include <vector>

#include "autodiff/random.hpp"
#include "train/data/table.hpp"

namespace eqp::train {

/// The numbers of the rows with one of the given labels, in their order. With proportions (one per
/// class, any scale), random rows of the classes in excess are left out, so that as many rows as
/// possible stay: class k keeps floor(proportions[k] m) rows with the largest m that all classes
/// can serve. Throws std::invalid_argument without labels, for a class that has no row, and for
/// proportions that are not positive or not one per class.
std::vector<std::size_t> select_rows(std::span<const double> labels,
                                     const std::vector<double>& classes,
                                     const std::vector<double>& proportions, ad::Key key);

/// A table of these rows.
Table select_classes(const Table& table, const std::vector<double>& classes,
                     const std::vector<double>& proportions, ad::Key key);

/// The row of data (n, d) with the smallest Euclidean distance to x (d).
std::size_t nearest_row(ad::ConstView data, std::span<const Real> x);

}  // namespace eqp::train
