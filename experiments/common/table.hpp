#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// Results as rows that are printed, shown in the report and saved: the same rows in all three.
namespace eqp {

/// Column names and values in the order they were given; a value is a number, text, bool or null.
using Row = nlohmann::ordered_json;

/// A value as people read it: text as it is, whole numbers in full, others to 3 significant digits
/// (at most 4 decimals), "-" for what is missing or not a number.
std::string shown(const Row& value);

class Table {
 public:
  explicit Table(std::string caption) : caption_(std::move(caption)) {}

  /// Adds a row (a JSON object). Columns are the keys of all rows, in order of first appearance.
  void add(Row row);
  const std::string& caption() const { return caption_; }
  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<Row>& rows() const { return rows_; }
  /// shown() of a row's value in a column.
  std::string cell(std::size_t row, const std::string& column) const;
  /// Whether a column holds numbers only, and is aligned to the right.
  bool numeric(const std::string& column) const;

  /// Caption and aligned columns for a terminal, one line per row.
  std::string text() const;
  /// The <table> element, caption included, everything escaped.
  std::string html() const;

 private:
  std::string caption_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

/// Text with &, <, > and quotes as HTML entities.
std::string html_escaped(const std::string& text);

}  // namespace eqp
