#pragma once

#include "autodiff/random.hpp"
#include "experiments/common/cli.hpp"
#include "experiments/common/table.hpp"
#include "train/data/rows.hpp"
#include "train/data/standardise.hpp"
#include "train/data/table.hpp"

// A numeric file of the user's, as a training takes it.
namespace eqp {

struct OwnDataOptions {
  std::string file, label;                   // see train::read_table
  std::vector<double> classes, proportions;  // see train::select_classes; none: all rows
  bool standardise = false;                  // columns get variance 1; they always get mean 0
};
/// --data, --label, --classes, --proportions and --standardise.
OwnDataOptions own_data_options(Cli& cli);

struct OwnData {
  train::Table table;            // as in the file
  train::Standardisation scale;  // table = mean + sd * points
  train::Rows points;            // what is trained on
};
/// The key says which rows a class in excess loses. Throws std::invalid_argument without a file,
/// for proportions without classes, for one column, and where all are constant.
OwnData own_data(const OwnDataOptions& options, ad::Key key);

/// The largest mean square of a coordinate: what a Gaussian tilt around 0 must cover.
double largest_mean_square(const train::Rows& x);

/// Shares of the labels: of the data, and of the rows of x by their nearest row of the data, with
/// the standard error that as many draws of the data would have.
Table nearest_labels(const train::Table& data, ad::ConstView x);

}  // namespace eqp
