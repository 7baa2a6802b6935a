#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eqp::train {

/// A rectangle of finite numbers and the names of its columns, if it has any.
struct Csv {
  std::vector<std::string> header;  ///< empty without a header row
  std::size_t columns = 0;
  std::vector<double> values;      ///< row by row
  std::vector<std::size_t> lines;  ///< the line of the text each row is on, from 1
};

/// Parses the text of the file `name`, by the rules of read_table. Throws std::invalid_argument
/// naming line and column.
Csv parse_csv(std::string_view text, const std::string& name);

}  // namespace eqp::train
