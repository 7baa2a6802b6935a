#pragma once

#include <span>
#include <string>
#include <vector>

#include "autodiff/tape.hpp"

// The fixed numbers of a density, one per coordinate.
namespace eqp::flows {

/// They as a constant (d), to combine with rows (n, d).
ad::Var row_constant(ad::Tape& tape, const std::vector<double>& values);

/// Throws std::invalid_argument naming `what` they are unless all are finite.
void check_finite(const std::string& what, std::span<const double> values);

}  // namespace eqp::flows
