#include "train/data/table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include "autodiff/npy.hpp"
#include "train/data/csv.hpp"
#include "train/data/entries.hpp"
#include "train/data/file.hpp"
#include "train/data/idx.hpp"

namespace eqp::train {
namespace {

namespace fs = std::filesystem;

/// What a file holds: its extents, and the names of its columns, if it has any.
struct Extents {
  std::size_t rows, columns;
  std::vector<std::string> header = {};
};

void require_rows(const Extents& extents, const fs::path& path) {
  const std::size_t rows = extents.columns == 0 ? 0 : extents.rows;
  if (rows < 2) refuse(path, std::to_string(rows) + " rows of data, need at least 2");
}

void require_finite(ad::ConstView x, const fs::path& path) {
  require_entries(path.string(), x, "a finite number", [](Real v) { return std::isfinite(v); });
}

/// The position of the label column; the number of columns if there is none.
std::size_t label_column(const Extents& extents, const std::string& label, const fs::path& path) {
  const auto& [rows, columns, header] = extents;
  if (label.empty()) return columns;
  const auto named = std::ranges::find(header, label);
  if (named != header.end()) return std::size_t(named - header.begin());
  if (label == "last") return columns - 1;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), index);
  if (error == std::errc() && end == label.data() + label.size() && index < columns) return index;
  std::string names;
  for (const std::string& name : header) names += ", " + name;
  refuse(path, "no label column \"" + label + "\"; need last, a number from 0 to " +
                   std::to_string(columns - 1) + (names.empty() ? "" : " or a name:") +
                   (names.empty() ? "" : names.substr(1)));
}

std::string column_name(const Extents& extents, std::size_t column) {
  return extents.header.empty() ? std::to_string(column) : extents.header[column];
}

/// The table of value(row, column), a double, with the label column taken out; `narrowed` makes a
/// Real of the others.
template <class Value, class Narrowed>
Table table_of(const Extents& extents, const std::string& label, const fs::path& path, Value value,
               Narrowed narrowed) {
  require_rows(extents, path);
  const std::size_t at = label_column(extents, label, path);
  const std::size_t columns = extents.columns - (at < extents.columns ? 1 : 0);
  if (columns == 0) refuse(path, "no column beside the label");
  Table table{.columns = {}, .values = ad::Tensor({extents.rows, columns}), .labels = {}};
  for (std::size_t j = 0; j < extents.columns; ++j) {
    if (j != at) table.columns.push_back(column_name(extents, j));
  }
  for (std::size_t i = 0; i < extents.rows; ++i) {
    Real* out = table.values.row(i).data();
    for (std::size_t j = 0; j < extents.columns; ++j) {
      if (j == at) {
        table.labels.push_back(value(i, j));
      } else {
        *out++ = narrowed(i, j);
      }
    }
  }
  return table;
}

Table from_text(const fs::path& path, const std::string& label) {
  const Csv csv = parse_csv(read_file(path), path.string());
  const auto value = [&](std::size_t i, std::size_t j) { return csv.values[i * csv.columns + j]; };
  const auto narrowed = [&](std::size_t i, std::size_t j) {
    const double v = value(i, j);
    if (std::abs(v) <= double(std::numeric_limits<Real>::max())) return Real(v);
    refuse(path, "line " + std::to_string(csv.lines[i]) + ": column " + std::to_string(j + 1) +
                     " is too large for single precision");
  };
  return table_of({csv.lines.size(), csv.columns, csv.header}, label, path, value, narrowed);
}

Table from_npy(const fs::path& path, const std::string& label) {
  const ad::Tensor x = ad::read_npy(path);
  if (x.shape().rank() != 2) {
    refuse(path, "an array of shape " + str(x.shape()) + "; need two axes, a point per row");
  }
  require_finite(x, path);
  const auto value = [&](std::size_t i, std::size_t j) { return x(i, j); };
  return table_of({x.rows(), x.cols()}, label, path, value, value);
}

Table from_idx(const fs::path& path, const std::string& label) {
  ad::Tensor x = read_idx(path);
  if (x.shape().rank() < 2) {
    refuse(path,
           "an array of shape " + str(x.shape()) + "; need at least two axes, a point per row");
  }
  const Extents extents{x.rows(), x.cols()};
  require_rows(extents, path);
  require_finite(x, path);
  Table table{.columns = {},
              .values = std::move(x).reshaped({extents.rows, extents.columns}),
              .labels = {}};
  for (std::size_t j = 0; j < extents.columns; ++j)
    table.columns.push_back(column_name(extents, j));
  if (label.empty()) return table;

  if (!fs::exists(label)) {
    refuse(path, "no file \"" + label + "\"; its labels are another idx file, a label per row");
  }
  const ad::Tensor labels = read_idx(label);
  if (labels.shape() != ad::Shape{extents.rows}) {
    refuse(label, "labels of shape " + str(labels.shape()) + " for " +
                      std::to_string(extents.rows) + " rows of " + path.filename().string());
  }
  require_finite(labels, label);
  table.labels.assign(labels.flat().begin(), labels.flat().end());
  return table;
}

}  // namespace

Table read_table(const fs::path& path, const TableOptions& options) {
  constexpr std::string_view text[] = {".csv", ".tsv", ".txt", ".dat"};
  if (path.extension() == ".npy") return from_npy(path, options.label);
  const fs::path name = without_gz(path);
  if (std::ranges::find(text, name.extension().string()) != std::end(text)) {
    return from_text(path, options.label);
  }
  if (name.string().find("idx") != std::string::npos) return from_idx(path, options.label);
  refuse(path,
         "unknown kind of file; need .csv, .tsv, .txt, .dat or a name with idx, each also as .gz, "
         "or .npy");
}

}  // namespace eqp::train
