#include "flows/constants.hpp"

#include <cmath>
#include <stdexcept>

namespace eqp::flows {

ad::Var row_constant(ad::Tape& tape, const std::vector<double>& values) {
  ad::Tensor row({values.size()});
  for (std::size_t j = 0; j < values.size(); ++j) row[j] = Real(values[j]);
  return tape.constant(std::move(row));
}

void check_finite(const std::string& what, std::span<const double> values) {
  for (const double v : values) {
    if (std::isfinite(v)) continue;
    throw std::invalid_argument(what + " " + std::to_string(v) + "; need a finite number");
  }
}

}  // namespace eqp::flows
