#include <charconv>
#include <cmath>
#include <concepts>
#include <stdexcept>

#include "experiments/common/cli.hpp"

// Cli::get: the text of an option as a value.
namespace eqp {
namespace {

template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = true;

std::string number_text(double value) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, end};
}

std::string range_text(const Range& range) {
  std::string text;
  if (range.above) text = "above " + number_text(*range.above);
  if (range.min) text = "at least " + number_text(*range.min);
  if (range.max) text += (text.empty() ? "at most " : ", at most ") + number_text(*range.max);
  return text;
}

template <class T>
std::string kind_text() {
  if constexpr (is_list<T>) return kind_text<typename T::value_type>() + ",...";
  if constexpr (std::integral<T>) return "WHOLE";
  return std::floating_point<T> ? "NUMBER" : "TEXT";
}

[[noreturn]] void refuse(const std::string& name, const std::string& text,
                         const std::string& needed) {
  throw std::invalid_argument("--" + name + " " + text + ": " + needed);
}

template <class T>
bool parses(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

template <class T>
T number(const std::string& name, const std::string& text, const Range& range) {
  double real = 0.0;
  if (!parses(text, real)) refuse(name, text, "expected a number");
  if (!std::isfinite(real)) refuse(name, text, "expected a finite number");
  if (range.above && !(real > *range.above))
    refuse(name, text, "need more than " + number_text(*range.above));
  if (range.min && real < *range.min)
    refuse(name, text, "need at least " + number_text(*range.min));
  if (range.max && real > *range.max) refuse(name, text, "need at most " + number_text(*range.max));
  T value{};
  if (!parses(text, value)) {
    const bool digits = text.find_first_not_of("-0123456789") == text.npos;
    refuse(name, text, std::floating_point<T> || digits ? "too large" : "expected a whole number");
  }
  return value;
}

template <class T>
T list(const std::string& name, const std::string& text, const Range& range) {
  T values;
  for (std::size_t first = 0; first <= text.size();) {
    const std::size_t comma = std::min(text.find(',', first), text.size());
    if (comma == first) refuse(name, text, "expected numbers separated by commas");
    values.push_back(
        number<typename T::value_type>(name, text.substr(first, comma - first), range));
    first = comma + 1;
  }
  return values;
}

}  // namespace

template <class T>
T Cli::get(const std::string& name, T fallback, const std::string& doc, const Range& range) {
  Range limits = range;
  if constexpr (std::unsigned_integral<T>) {
    if (!limits.min && !limits.above) limits.min = 0.0;
  }
  T value = std::move(fallback);
  const nlohmann::ordered_json shown = value;
  if (const auto text = given(name)) {
    if constexpr (is_list<T>) {
      value = list<T>(name, *text, limits);
    } else if constexpr (std::same_as<T, std::string>) {
      value = *text;
    } else {
      value = number<T>(name, *text, limits);
    }
  }
  std::string notes = limits.unit;
  const std::string bounds = range_text(limits);
  if (!notes.empty() && !bounds.empty()) notes += ", ";
  declare({name, value, doc}, kind_text<T>(), notes + bounds, shown);
  return value;
}

template int Cli::get(const std::string&, int, const std::string&, const Range&);
template unsigned Cli::get(const std::string&, unsigned, const std::string&, const Range&);
template long Cli::get(const std::string&, long, const std::string&, const Range&);
template std::size_t Cli::get(const std::string&, std::size_t, const std::string&, const Range&);
template float Cli::get(const std::string&, float, const std::string&, const Range&);
template double Cli::get(const std::string&, double, const std::string&, const Range&);
template std::string Cli::get(const std::string&, std::string, const std::string&, const Range&);
template std::vector<double> Cli::get(const std::string&, std::vector<double>, const std::string&,
                                      const Range&);
template std::vector<std::size_t> Cli::get(const std::string&, std::vector<std::size_t>,
                                           const std::string&, const Range&);

}  // namespace eqp
