#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mcmc/targets/posteriors/posterior.hpp"

// The files that posteriors are made of. Whatever is wrong with one is a std::invalid_argument of
// one line that names the file and the field.
namespace eqp::mcmc {

/// A JSON object with named data, as posteriordb has them.
class DataFile {
 public:
  explicit DataFile(const std::filesystem::path& path);

  /// A whole number of at least 1.
  std::size_t count(const std::string& field) const;
  /// An array of `size` finite numbers.
  std::vector<double> numbers(const std::string& field, std::size_t size) const;
  /// The same of numbers above 0.
  std::vector<double> positive(const std::string& field, std::size_t size) const;
  /// An array of `rows` arrays of `columns` finite numbers, row-major.
  std::vector<double> table(const std::string& field, std::size_t rows, std::size_t columns) const;
  /// Reference moments of all of `quantities`, in that order, from fields of these names, each an
  /// object with the numbers mean, sd, mcse_mean (both above 0) and draws (at least 2).
  std::vector<ReferenceMoments> moments(const std::vector<std::string>& quantities) const;

 private:
  const nlohmann::json& at(const std::string& field) const;
  [[noreturn]] void refuse(const std::string& field, const std::string& what) const;
  void append(std::vector<double>& to, const nlohmann::json& array, std::size_t size,
              const std::string& field) const;

  std::filesystem::path path_;
  nlohmann::json data_;
};

/// Columns of numbers with a header row, separated by commas.
struct CsvFile {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;  ///< (rows, columns), row-major
};
/// Throws unless every line has as many finite numbers as the header has names, and there is one.
CsvFile read_csv(const std::filesystem::path& path);

}  // namespace eqp::mcmc
