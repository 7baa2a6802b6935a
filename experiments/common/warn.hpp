#pragma once

#include "experiments/common/report.hpp"
#include "mcmc/warnings.hpp"

namespace eqp {

/// Prints what a run of chains must be warned of, a line each that begins with `who`, and puts it
/// into the report.
void warn(Report& report, const std::string& who, std::span<const mcmc::Warning> warnings);

}  // namespace eqp
