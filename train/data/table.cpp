#include "train/data/table.hpp"

#include <algorithm>
#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "autodiff/npy.hpp"
#include "train/data/csv.hpp"

namespace eqp::train {
namespace {

namespace io = boost::iostreams;
namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw std::invalid_argument(path.string() + ": " + what);
}

std::string contents(const fs::path& path) {
  if (!fs::exists(path)) fail(path, "no such file");
  if (!fs::is_regular_file(path)) fail(path, "not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be read");
  std::string text;
  try {
    io::filtering_istream in;
    if (path.extension() == ".gz") in.push(io::gzip_decompressor());
    in.push(file);
    io::copy(in, io::back_inserter(text));
  } catch (const io::gzip_error&) {
    fail(path, "not a whole gzip file");
  }
  return text;
}

Csv read_csv(const fs::path& path) {
  constexpr std::string_view known[] = {".csv", ".tsv", ".txt", ".dat"};
  const fs::path inner = path.extension() == ".gz" ? path.stem() : path;
  if (std::ranges::find(known, inner.extension().string()) == std::end(known)) {
    fail(path, "unknown kind of file; need .csv, .tsv, .txt or .dat, each also as .gz, or .npy");
  }
  return parse_csv(contents(path), path.string());
}

Csv read_array(const fs::path& path) {
  const ad::Tensor x = ad::read_npy(path);
  if (x.shape().rank() != 2) {
    fail(path, "an array of shape " + str(x.shape()) + "; need two axes, a point per row");
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) {
      fail(path, "row " + std::to_string(i / x.cols()) + ", column " +
                     std::to_string(i % x.cols()) + " (from 0) is " + std::to_string(x[i]) +
                     ", expected a finite number");
    }
  }
  return {{}, x.shape()[1], {x.flat().begin(), x.flat().end()}, {}};
}

/// The position of the label column; the number of columns if there is none.
std::size_t label_column(const Csv& csv, const std::string& label, const fs::path& path) {
  if (label.empty()) return csv.columns;
  const auto named = std::ranges::find(csv.header, label);
  if (named != csv.header.end()) return std::size_t(named - csv.header.begin());
  if (label == "last") return csv.columns - 1;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), index);
  if (error == std::errc() && end == label.data() + label.size() && index < csv.columns)
    return index;
  std::string names;
  for (const std::string& name : csv.header) names += ", " + name;
  fail(path, "no label column \"" + label + "\"; need last, a number from 0 to " +
                 std::to_string(csv.columns - 1) + (names.empty() ? "" : " or a name:") +
                 (names.empty() ? "" : names.substr(1)));
}

/// v in the build's precision, or an error naming its place.
Real narrowed(double v, const Csv& csv, std::size_t row, std::size_t column, const fs::path& path) {
  if (std::abs(v) <= double(std::numeric_limits<Real>::max())) return Real(v);
  fail(path, "line " + std::to_string(csv.lines[row]) + ": column " + std::to_string(column + 1) +
                 " is too large for single precision");
}

}  // namespace

Table read_table(const fs::path& path, const TableOptions& options) {
  const Csv csv = path.extension() == ".npy" ? read_array(path) : read_csv(path);
  const std::size_t rows = csv.columns == 0 ? 0 : csv.values.size() / csv.columns;
  if (rows < 2) fail(path, std::to_string(rows) + " rows of data, need at least 2");
  const std::size_t label = label_column(csv, options.label, path);
  if (csv.columns == 1 && label == 0) fail(path, "no column beside the label");

  Table table;
  table.values = ad::Tensor({rows, csv.columns - (label < csv.columns ? 1 : 0)});
  for (std::size_t j = 0; j < csv.columns; ++j) {
    if (j == label) continue;
    table.columns.push_back(csv.header.empty() ? std::to_string(j) : csv.header[j]);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    Real* out = table.values.row(i).data();
    for (std::size_t j = 0; j < csv.columns; ++j) {
      const double v = csv.values[i * csv.columns + j];
      if (j == label) {
        table.labels.push_back(v);
      } else {
        *out++ = narrowed(v, csv, i, j, path);
      }
    }
  }
  return table;
}

}  // namespace eqp::train
