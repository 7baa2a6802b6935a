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
  std::vector<double> labels;        ///< (n), or empty if no labels were asked for
};

struct TableOptions {
  /// The column that holds a class label: "last", a name of the header row, a number counted from
  /// 0, or none. A name goes before a number. For an idx file, the path of another one with a label
  /// for each row.
  std::string label;
};

/// Reads a table from one of these kinds of file:
/// - text, `.csv`, `.tsv`, `.txt` or `.dat`. Columns are separated by semicolons, tabs, commas or
///   white space, whichever the first line has, in this order. A first row without any number is a
///   header; empty lines and lines that begin with # are skipped;
/// - idx, a name with "idx" in it and none of these endings, such as `train-images-idx3-ubyte` (see
///   read_idx); rows of more than one axis, such as images, are laid out flat;
/// - `.npy` of two axes (see ad::read_npy).
/// The first two may be compressed (`.csv.gz`). Throws std::invalid_argument, naming file, line or
/// row, and column, for anything but finite numbers, for rows of different lengths, fewer than 2
/// rows, no column beside the label, and files that are missing, damaged or of another kind.
Table read_table(const std::filesystem::path& path, const TableOptions& options = {});

}  // namespace eqp::train
