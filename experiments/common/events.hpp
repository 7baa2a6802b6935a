#pragma once

#include <string>

#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "train/objective.hpp"

namespace eqp {

/// What a training has done by itself, such as going back after a divergence: a line each.
class Events {
 public:
  void add(const train::StepLog& log);
  /// Writes them to events_NAME.txt, if there are any, and warns of them in the report.
  void tell(const std::string& name, const RunFolder& folder, Report& report) const;
  std::size_t count() const;

  void archive(ad::Archive& a) { a("lines", lines_); }

 private:
  std::string lines_;
};

}  // namespace eqp
