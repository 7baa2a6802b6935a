#include "experiments/common/warn.hpp"

#include <iostream>

namespace eqp {

void warn(Report& report, const std::string& who, std::span<const mcmc::Warning> warnings) {
  for (const mcmc::Warning& warning : warnings) {
    const std::string text = who + ": " + warning.text();
    std::cout << "warning: " << text << "\n";
    report.warning(text);
  }
}

}  // namespace eqp
