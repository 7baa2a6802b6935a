#include "mcmc/targets/posteriors/data_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace eqp::mcmc {
namespace {

std::ifstream opened(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in || !std::filesystem::is_regular_file(path)) {
    throw std::invalid_argument(path.string() + ": cannot be read");
  }
  return in;
}

/// What came, cut to a line.
std::string shown(const nlohmann::json& value) {
  const std::string text = value.dump();
  return text.size() <= 40 ? text : text.substr(0, 37) + "...";
}

}  // namespace

DataFile::DataFile(const std::filesystem::path& path) : path_(path) {
  std::ifstream in = opened(path);
  data_ = nlohmann::json::parse(in, nullptr, false);
  if (!data_.is_object()) {
    throw std::invalid_argument(path.string() + ": not JSON; need an object with named data");
  }
}

const nlohmann::json& DataFile::at(const std::string& field) const {
  const auto found = data_.find(field);
  if (found == data_.end()) refuse(field, "missing");
  return *found;
}

void DataFile::refuse(const std::string& field, const std::string& what) const {
  throw std::invalid_argument(path_.string() + ": " + field + ": " + what);
}

void DataFile::append(std::vector<double>& to, const nlohmann::json& array, std::size_t size,
                      const std::string& field) const {
  if (!array.is_array() || array.size() != size) {
    refuse(field, (array.is_array() ? std::to_string(array.size()) + " values" : shown(array)) +
                      "; need " + std::to_string(size) + " numbers");
  }
  for (const nlohmann::json& value : array) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      refuse(field, shown(value) + " among the values; need finite numbers");
    }
    to.push_back(value.get<double>());
  }
}

std::size_t DataFile::count(const std::string& field) const {
  const nlohmann::json& value = at(field);
  if (!value.is_number_unsigned() || value.get<std::size_t>() == 0) {
    refuse(field, shown(value) + "; need a whole number of at least 1");
  }
  return value.get<std::size_t>();
}

std::vector<double> DataFile::numbers(const std::string& field, std::size_t size) const {
  std::vector<double> values;
  append(values, at(field), size, field);
  return values;
}

std::vector<double> DataFile::positive(const std::string& field, std::size_t size) const {
  std::vector<double> values = numbers(field, size);
  for (const double v : values) {
    if (v <= 0) refuse(field, nlohmann::json(v).dump() + "; need numbers above 0");
  }
  return values;
}

std::vector<double> DataFile::table(const std::string& field, std::size_t rows,
                                    std::size_t columns) const {
  const nlohmann::json& array = at(field);
  if (!array.is_array() || array.size() != rows) {
    refuse(field, (array.is_array() ? std::to_string(array.size()) + " rows" : shown(array)) +
                      "; need " + std::to_string(rows) + " rows");
  }
  std::vector<double> values;
  for (const nlohmann::json& row : array) append(values, row, columns, field);
  return values;
}

std::vector<ReferenceMoments> DataFile::moments(const std::vector<std::string>& quantities) const {
  std::vector<ReferenceMoments> result;
  for (const std::string& quantity : quantities) {
    const nlohmann::json& entry = at(quantity);
    const auto number = [&](const char* name, double least) {
      const auto found = entry.find(name);
      if (found == entry.end() || !found->is_number() || !(found->get<double>() > least)) {
        refuse(quantity, std::string(name) + " is missing or not a number above " +
                             nlohmann::json(least).dump());
      }
      return found->get<double>();
    };
    if (!entry.is_object()) refuse(quantity, shown(entry) + "; need an object of moments");
    result.push_back({.mean = number("mean", std::numeric_limits<double>::lowest()),
                      .sd = number("sd", 0),
                      .mean_error = number("mcse_mean", 0),
                      .draws = number("draws", 1)});
  }
  return result;
}

CsvFile read_csv(const std::filesystem::path& path) {
  std::ifstream in = opened(path);
  std::string line;
  CsvFile file;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    const auto refuse = [&](const std::string& what) {
      throw std::invalid_argument(path.string() + ": line " + std::to_string(number) + ": " + what);
    };
    const auto entries = std::size_t(std::ranges::count(line, ',')) + 1;
    if (number == 1) {
      file.columns = entries;
      continue;
    }
    if (entries != file.columns) {
      refuse(std::to_string(entries) + " entries; the header has " + std::to_string(file.columns));
    }
    for (std::size_t begin = 0, end; begin <= line.size(); begin = end + 1) {
      end = std::min(line.find(',', begin), line.size());
      double value = 0;
      const auto [stop, error] = std::from_chars(line.data() + begin, line.data() + end, value);
      if (error != std::errc() || stop != line.data() + end || !std::isfinite(value)) {
        refuse("\"" + line.substr(begin, end - begin) + "\"; need a finite number");
      }
      file.values.push_back(value);
    }
    ++file.rows;
  }
  if (file.rows == 0) throw std::invalid_argument(path.string() + ": no rows of numbers");
  return file;
}

}  // namespace eqp::mcmc
