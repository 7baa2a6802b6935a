#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "autodiff/tensor.hpp"

// The user's own data: a table of numbers, a point per row.
namespace eqp::train {

struct Table {
  std::vector<std::string> columns;  ///< (d) names: of the header row, or "0", "1", ...
  ad::Tensor values;                 ///< (n, d), without the label column
  std::vector<double> labels;        ///< (n), or empty if no label column was asked for
};

struct TableOptions {
  /// The column that holds a class label: "last", a name of the header row, a number counted from
  /// 0, or none. A name goes before a number.
  std::string label;
};

/// Reads `.npy` (two axes, see ad::read_npy) or text: `.csv`, `.tsv`, `.txt` or `.dat`, as it is or
/// compressed (`.csv.gz`). Columns of text are separated by semicolons, tabs, commas or white
/// space, whichever the first line has, in this order. A first row without any number is a header;
/// empty lines and lines that begin with # are skipped. Throws std::invalid_argument, naming file,
/// line and column, for anything but finite numbers, for rows of different lengths, fewer than 2
/// rows, no column beside the label, and files that are missing, damaged or of another kind.
Table read_table(const std::filesystem::path& path, const TableOptions& options = {});

}  // namespace eqp::train
