#include "experiments/common/own_data.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "train/data/selection.hpp"

namespace eqp {

OwnDataOptions own_data_options(Cli& cli) {
  OwnDataOptions o;
  o.file = cli.get("data", "", "numeric .csv, .csv.gz, .npy or idx (MNIST) file, a point per row");
  o.label = cli.get("label", "",
                    "column with a class label: a name, a number from 0, or last; of an idx file, "
                    "the file with the labels");
  o.classes =
      cli.get("classes", std::vector<double>{}, "keep rows with these labels only; none: all");
  o.proportions = cli.get("proportions", std::vector<double>{},
                          "of the classes kept, by thinning those in excess; none: as is");
  o.standardise =
      cli.flag("standardise", "train on columns of variance 1 (they always get mean 0)");
  return o;
}

OwnData own_data(const OwnDataOptions& o, ad::Key key) {
  if (o.file.empty()) throw std::invalid_argument("--data: need a file");
  if (o.classes.empty() && !o.proportions.empty()) {
    throw std::invalid_argument("--proportions: need --classes");
  }
  OwnData data{.table = train::read_table(o.file, {.label = o.label})};
  if (!o.classes.empty()) {
    data.table = train::select_classes(data.table, o.classes, o.proportions, key);
  }
  const std::size_t dim = data.table.values.cols();
  if (dim < 2) throw std::invalid_argument(o.file + ": 1 column; need at least 2");
  data.scale = train::standardisation(data.table.values);
  if (data.scale.constant.size() == dim) {
    throw std::invalid_argument(o.file + ": all columns are constant");
  }
  if (!o.standardise) std::ranges::fill(data.scale.sd, 1.0);
  ad::Tensor scaled = data.table.values;
  data.scale.apply(scaled);
  data.points = train::Rows(std::move(scaled));
  return data;
}

double largest_mean_square(const train::Rows& x) {
  double top = 0;
  for (std::size_t j = 0; j < x.cols(); ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < x.rows(); ++i) sum += double(x.row(i)[j]) * x.row(i)[j];
    top = std::max(top, sum / double(x.rows()));
  }
  return top;
}

Table nearest_labels(const train::Table& data, ad::ConstView x) {
  Table table("Classes, by the label of the nearest training point");
  std::map<double, std::pair<double, double>> share;  // label -> data, samples
  for (const double label : data.labels) share[label].first += 1 / double(data.labels.size());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    share[data.labels[train::nearest_row(data.values, x.row(i))]].second += 1 / double(x.rows());
  }
  for (const auto& [label, fractions] : share) {
    const double p = fractions.first;
    table.add({{"class", label},
               {"data", p},
               {"samples", fractions.second},
               {"standard_error", std::sqrt(p * (1 - p) / double(x.rows()))}});
  }
  return table;
}

}  // namespace eqp
