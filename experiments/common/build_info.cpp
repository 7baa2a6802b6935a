#include "experiments/common/build_info.hpp"

#include <fstream>

#include "autodiff/real.hpp"

// CMake defines these for this file alone (cmake/build_info.cmake).
#ifndef EQP_COMMIT
#define EQP_COMMIT "unknown"
#endif
#ifndef EQP_FLAGS
#define EQP_FLAGS "unknown"
#endif

namespace eqp {

std::string_view build_precision() { return sizeof(Real) == sizeof(float) ? "f32" : "f64"; }

std::string_view build_commit() { return EQP_COMMIT; }

std::string_view build_compiler() {
#ifdef __clang__
  return __VERSION__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string_view build_flags() { return EQP_FLAGS; }

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace eqp
