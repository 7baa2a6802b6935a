#include "train/data/selection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace eqp::train {
namespace {

std::string number(double v) {
  std::string text = std::to_string(v);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::vector<std::size_t> select_rows(std::span<const double> labels,
                                     const std::vector<double>& classes,
                                     const std::vector<double>& proportions, ad::Key key) {
  if (labels.empty()) {
    throw std::invalid_argument("classes: the table has no labels; name the label column");
  }
  if (!proportions.empty() && proportions.size() != classes.size()) {
    throw std::invalid_argument("proportions: " + std::to_string(proportions.size()) + " for " +
                                std::to_string(classes.size()) + " classes; need one each");
  }
  for (std::size_t k = 0; k < classes.size(); ++k) {
    if (std::ranges::count(classes, classes[k]) > 1) {
      throw std::invalid_argument("classes: " + number(classes[k]) + " is named twice");
    }
  }
  std::vector<std::vector<std::size_t>> members(classes.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto at = std::ranges::find(classes, labels[i]);
    if (at != classes.end()) members[std::size_t(at - classes.begin())].push_back(i);
  }
  double scale = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < classes.size(); ++k) {
    if (members[k].empty()) {
      throw std::invalid_argument("classes: no row has label " + number(classes[k]));
    }
    if (proportions.empty()) continue;
    if (!(proportions[k] > 0)) {
      throw std::invalid_argument("proportions: " + number(proportions[k]) + ": need more than 0");
    }
    scale = std::min(scale, double(members[k].size()) / proportions[k]);
  }

  std::vector<std::size_t> kept;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    const std::size_t have = members[k].size();
    const std::size_t want =
        proportions.empty() ? have : std::min(have, std::size_t(proportions[k] * scale + 1e-9));
    if (want == 0) {
      throw std::invalid_argument("proportions: no row of class " + number(classes[k]) +
                                  " would be left");
    }
    for (const std::size_t m : ad::sample_without_replacement(have, want, key, std::uint32_t(k))) {
      kept.push_back(members[k][m]);
    }
  }
  if (kept.size() < 2) throw std::invalid_argument("classes: 1 row is left; need at least 2");
  std::ranges::sort(kept);
  return kept;
}

Table select_classes(const Table& table, const std::vector<double>& classes,
                     const std::vector<double>& proportions, ad::Key key) {
  const std::vector<std::size_t> kept = select_rows(table.labels, classes, proportions, key);
  Table result{.columns = table.columns,
               .values = ad::Tensor({kept.size(), table.values.cols()}),
               .labels = {}};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    std::ranges::copy(table.values.row(kept[i]), result.values.row(i).begin());
    result.labels.push_back(table.labels[kept[i]]);
  }
  return result;
}

std::size_t nearest_row(ad::ConstView data, std::span<const Real> x) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < data.rows(); ++i) {
    double distance = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double r = double(data(i, j)) - x[j];
      distance += r * r;
    }
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

}  // namespace eqp::train
