#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "autodiff/random.hpp"

namespace eqp::bench {

/// One row of the table: a workload at one size.
struct Case {
  std::string workload;
  std::size_t rows = 0, d = 0;
  std::size_t width = 128;  // hidden units of the energy networks
  std::uint32_t steps = 0;  // of one measurement
  double step_size = 0.01;  // of the Langevin and leapfrog steps
  std::size_t block = 0;    // rows per task; 0: as the program suggests
};

/// Reads {"workload", "rows", "d", "steps", "dtype"} and what else is there. Throws
/// std::invalid_argument for what is missing, makes no sense, or is another build's dtype.
Case parse_case(const nlohmann::json& json);

/// Where the draws of a case come from: the same for every build and every machine.
inline constexpr ad::Key kWeights{1, 0}, kData{1, 1}, kNoise{1, 2}, kParticles{1, 3};

}  // namespace eqp::bench
