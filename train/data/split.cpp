#include "train/data/split.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace eqp::train {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::invalid_argument("split: " + what); }

std::size_t rows_of(const Share& share, std::size_t n, const std::string& name) {
  if (share.fraction == 0) return share.rows;
  const std::string fraction = std::to_string(share.fraction);
  if (share.rows != 0) {
    fail(name + " has " + std::to_string(share.rows) + " rows and a fraction " + fraction +
         "; need one of them");
  }
  if (!(share.fraction > 0 && share.fraction < 1)) {
    fail(name + " has a fraction " + fraction + "; need at least 0 and below 1");
  }
  const auto rows = std::size_t(std::llround(share.fraction * double(n)));
  if (rows == 0)
    fail(name + " has a fraction " + fraction + " of " + std::to_string(n) + ": no row");
  return rows;
}

Rows in_order(const Rows& data, std::span<const std::size_t> places) {
  std::vector<std::size_t> sorted(places.begin(), places.end());
  std::ranges::sort(sorted);
  return data.part(sorted);
}

}  // namespace

Split split(const Rows& data, const SplitOptions& options) {
  const std::size_t n = data.rows(), test = rows_of(options.test, n, "test"),
                    validation = rows_of(options.validation, n, "validation");
  if (test >= n || validation >= n - test) {
    fail(std::to_string(validation) + " rows for validation and " + std::to_string(test) +
         " for test of " + std::to_string(n) + "; need at least 1 for training");
  }
  const std::vector<std::size_t> order = ad::permutation(n, options.key);
  const std::span all(order);
  return {.train = in_order(data, all.subspan(test + validation)),
          .validation = in_order(data, all.subspan(test, validation)),
          .test = in_order(data, all.first(test))};
}

}  // namespace eqp::train
