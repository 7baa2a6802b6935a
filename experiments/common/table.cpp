#include "experiments/common/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace eqp {
namespace {

/// Characters, not bytes, of UTF-8 text.
std::size_t width(const std::string& text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; });
}

std::string padded(const std::string& text, std::size_t to, bool right) {
  const std::string space(to - width(text), ' ');
  return right ? space + text : text + space;
}

/// "mode weight error" of "mode_weight_error".
std::string heading(std::string column) {
  std::ranges::replace(column, '_', ' ');
  return column;
}

}  // namespace

std::string shown(const Row& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_number_float()) return value.dump();
  const double x = value.get<double>();
  if (!std::isfinite(x)) return "-";
  const double size = std::abs(x);
  char buffer[64];
  if (size != 0.0 && (size < 1e-4 || size >= 1e7)) {
    std::snprintf(buffer, sizeof buffer, "%.2e", x);
  } else {
    const int before = size == 0.0 ? 1 : static_cast<int>(std::floor(std::log10(size))) + 1;
    std::snprintf(buffer, sizeof buffer, "%.*f", std::clamp(3 - before, 0, 4), x);
  }
  return buffer;
}

void Table::add(Row row) {
  if (!row.is_object()) throw std::logic_error("table: a row must be an object: " + row.dump());
  for (const auto& [key, value] : row.items())
    if (std::ranges::find(columns_, key) == columns_.end()) columns_.push_back(key);
  rows_.push_back(std::move(row));
}

std::string Table::cell(std::size_t row, const std::string& column) const {
  return shown(rows_[row].value(column, Row()));
}

bool Table::numeric(const std::string& column) const {
  return std::ranges::all_of(rows_, [&](const Row& row) {
    const Row value = row.value(column, Row());
    return value.is_null() || value.is_number();
  });
}

std::string Table::text() const {
  std::vector<std::string> lines(rows_.size() + 2);
  for (const std::string& column : columns_) {
    std::size_t widest = width(heading(column));
    for (std::size_t i = 0; i < rows_.size(); ++i)
      widest = std::max(widest, width(cell(i, column)));
    const bool right = numeric(column);
    const std::string gap = lines[0].empty() ? "" : "  ";
    lines[0] += gap + padded(heading(column), widest, right);
    lines[1] += gap + std::string(widest, '-');
    for (std::size_t i = 0; i < rows_.size(); ++i)
      lines[i + 2] += gap + padded(cell(i, column), widest, right);
  }
  std::string text = caption_ + '\n';
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string Table::html() const {
  std::string head, body;
  for (const std::string& column : columns_) {
    const std::string open = numeric(column) ? "<th class=\"number\">" : "<th>";
    head += open + html_escaped(heading(column)) + "</th>";
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    body += "<tr>";
    for (const std::string& column : columns_) {
      const std::string open = numeric(column) ? "<td class=\"number\">" : "<td>";
      body += open + html_escaped(cell(i, column)) + "</td>";
    }
    body += "</tr>\n";
  }
  return "<table>\n<caption>" + html_escaped(caption_) + "</caption>\n<thead><tr>" + head +
         "</tr></thead>\n<tbody>\n" + body + "</tbody>\n</table>\n";
}

std::string html_escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

}  // namespace eqp
