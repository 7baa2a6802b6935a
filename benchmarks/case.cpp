#include "benchmarks/case.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "experiments/common/build_info.hpp"

namespace eqp::bench {
namespace {

[[noreturn]] void fail(const std::string& why) { throw std::invalid_argument("case: " + why); }

std::size_t count(const nlohmann::json& json, const char* name) {
  const auto it = json.find(name);
  if (it == json.end()) fail(std::string(name) + " is missing");
  if (!it->is_number_unsigned() || *it == 0u) {
    fail(std::string(name) + " is " + it->dump() + ", expected a whole number above 0");
  }
  return it->get<std::size_t>();
}

std::string text(const nlohmann::json& json, const char* name) {
  const auto it = json.find(name);
  if (it == json.end() || !it->is_string()) fail(std::string(name) + " is missing or no text");
  return it->get<std::string>();
}

}  // namespace

Case parse_case(const nlohmann::json& json) {
  if (!json.is_object()) fail("expected a JSON object");
  Case c{.workload = text(json, "workload"),
         .rows = count(json, "rows"),
         .d = count(json, "d"),
         .steps = std::uint32_t(count(json, "steps"))};
  if (const std::string dtype = text(json, "dtype"); dtype != build_precision()) {
    fail("dtype is " + dtype + ", this build has " + std::string(build_precision()));
  }
  if (json.contains("width")) c.width = count(json, "width");
  if (json.contains("block")) c.block = count(json, "block");
  if (const auto it = json.find("step_size"); it != json.end()) {
    if (!it->is_number() || *it <= 0) fail("step_size is " + it->dump() + ", expected above 0");
    c.step_size = it->get<double>();
  }
  return c;
}

}  // namespace eqp::bench
