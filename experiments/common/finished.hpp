#pragma once

#include <functional>
#include <string>
#include <vector>

#include "experiments/common/checkpoint.hpp"

namespace eqp {

/// The results of a run of many short tasks, one after the other. Those of finished tasks are kept,
/// as --checkpoint-every says, so that a run that goes on begins with the task it was in.
class Finished {
 public:
  explicit Finished(RunFolder& folder);

  /// The rows of a task, whose name is unique within the run: those of `work`, unless the task was
  /// finished before. They also go to metrics.csv, and so must not hold times.
  std::vector<Row> rows(const std::string& task, const std::function<std::vector<Row>()>& work);

 private:
  void archive(ad::Archive& a);

  RunFolder& folder_;
  Row by_task_ = Row::object();
  Checkpoint checkpoint_;
};

}  // namespace eqp
