#include "experiments/common/events.hpp"

#include <algorithm>
#include <iostream>

namespace eqp {

void Events::add(const train::StepLog& log) {
  for (const std::string& event : log.events) lines_ += event + "\n";
}

void Events::tell(const std::string& name, const RunFolder& folder, Report& report) const {
  if (lines_.empty()) return;
  const std::string file = "events_" + name + ".txt";
  folder.file(file, lines_);
  const std::string text = name + " looked after itself " + std::to_string(count()) +
                           (count() == 1 ? " time" : " times") + ", see " + file + "; first, at " +
                           lines_.substr(0, lines_.find('\n'));
  report.warning(text);
  std::cout << text << "\n";
}

std::size_t Events::count() const { return std::size_t(std::ranges::count(lines_, '\n')); }

}  // namespace eqp
