#include "train/data/csv.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <stdexcept>

namespace eqp::train {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view s) {
  const std::size_t first = s.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kBlank) - first + 1);
}

std::string_view unquoted(std::string_view s) {
  if (s.size() >= 2 && s.front() == '"' && s.back() == '"') return s.substr(1, s.size() - 2);
  return s;
}

/// The separator of a line: the first of these that it has, white space if none.
char separator_of(std::string_view line) {
  for (const char c : {';', '\t', ','}) {
    if (line.find(c) != std::string_view::npos) return c;
  }
  return ' ';
}

/// The fields of a line, trimmed and without their quotes. A separator between quotes is text.
std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  bool quoted = false;
  std::size_t begin = 0;
  const auto add = [&](std::size_t end) {
    const std::string_view field = trimmed(line.substr(begin, end - begin));
    // A run of white space separates once.
    if (separator != ' ' || !field.empty()) fields.push_back(unquoted(field));
    begin = end + 1;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (!quoted && line[i] == separator) add(i);
  }
  add(line.size());
  return fields;
}

struct Number {
  bool parsed;
  double value;
};

Number parse(std::string_view field) {
  if (field.starts_with('+')) field.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  const bool whole = !field.empty() && end == field.data() + field.size();
  if (whole && error == std::errc::result_out_of_range) return {true, HUGE_VAL};
  return {whole && error == std::errc(), value};
}

bool has_number(const std::vector<std::string_view>& fields) {
  for (const std::string_view f : fields) {
    if (parse(f).parsed) return true;
  }
  return false;
}

class Parser {
 public:
  explicit Parser(const std::string& name) : name_(name) {}

  void line(std::string_view text) {
    ++line_;
    text = trimmed(text);
    if (text.empty() || text.starts_with('#')) return;
    if (!separator_) separator_ = separator_of(text);
    const auto fields = split(text, *separator_);
    if (csv_.columns == 0) {
      csv_.columns = fields.size();
      first_line_ = line_;
      if (!has_number(fields)) {
        csv_.header.assign(fields.begin(), fields.end());
        return;
      }
    }
    if (fields.size() != csv_.columns) {
      fail(std::to_string(fields.size()) + " columns, expected " + std::to_string(csv_.columns) +
           " as on line " + std::to_string(first_line_));
    }
    for (std::size_t j = 0; j < fields.size(); ++j) csv_.values.push_back(number(fields[j], j));
    csv_.lines.push_back(line_);
  }
  Csv take() { return std::move(csv_); }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::invalid_argument(name_ + ":" + std::to_string(line_) + ": " + what);
  }

  double number(std::string_view field, std::size_t column) const {
    const Number n = parse(field);
    if (n.parsed && std::isfinite(n.value)) return n.value;
    const std::string is = "column " + std::to_string(column + 1) + " is ";
    if (field.empty()) fail(is + "empty, expected a number");
    fail(is + (n.parsed ? std::string(field) + ", expected a finite number"
                        : "\"" + std::string(field) + "\", expected a number"));
  }

  std::string name_;
  std::size_t line_ = 0, first_line_ = 0;
  std::optional<char> separator_;
  Csv csv_;
};

}  // namespace

Csv parse_csv(std::string_view text, const std::string& name) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  Parser parser(name);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    parser.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.take();
}

}  // namespace eqp::train
