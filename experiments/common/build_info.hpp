#pragma once

#include <string>
#include <string_view>

// What was built, and the machine it runs on.
namespace eqp {

/// "f32" or "f64": the type of eqp::Real.
std::string_view build_precision();
/// The commit the build was configured at, "-dirty" if files differed from it; or "unknown".
std::string_view build_commit();
/// Name and version of the compiler.
std::string_view build_compiler();
/// The compiler's flags; or "unknown".
std::string_view build_flags();
/// The processor's name as the system gives it; or "unknown".
std::string cpu_model();

}  // namespace eqp
