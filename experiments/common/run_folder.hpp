#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "autodiff/archive.hpp"
#include "autodiff/tensor.hpp"
#include "experiments/common/cli.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/table.hpp"

// Everything a run leaves behind, in one folder. Files appear complete or not at all: they are
// written under a temporary name and renamed. Of several ranks only the first one writes.
namespace eqp {

class RunFolder {
 public:
  /// Creates --out, empties an earlier run's folder on --overwrite, and writes config.json: nothing
  /// is written before this. With --resume the folder stays as it is. Throws std::invalid_argument
  /// if the folder cannot be made.
  explicit RunFolder(const Cli& cli);
  /// Writes the metrics that were logged since the last write.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// path()/figures/NAME.png, in a folder that exists.
  std::filesystem::path figure(const std::string& name) const;
  /// The options, the build, the machine and the blocks: what config.json holds.
  const Row& configuration() const { return configuration_; }
  /// Adds to config.json how many rows or chains a task has, which programs choose; 0: there is no
  /// such task.
  void block(const std::string& task, std::size_t rows);

  /// One row of metrics.csv. The rows of a group stay in order, lower groups come first: trainings
  /// that run at the same time log to a group each, and the file does not depend on which was
  /// faster. Rows must not hold times. Every row has the first one's columns; null is an empty
  /// cell. Throws std::logic_error otherwise.
  void log(std::size_t group, const Row& row);
  /// The rows logged to a group, as part of a state.
  void archive(ad::Archive& a, std::size_t group);
  /// Where the state of a task of this run is kept, and as whose; the folder of the file exists.
  std::filesystem::path state_file(const std::string& task) const;
  std::string state_owner(const std::string& task) const;
  /// The options, those aside that no result depends on.
  Row options() const;
  /// Whether this run goes on with an earlier one.
  bool resumed() const { return resumed_; }
  CheckpointEvery checkpoint_every() const { return checkpoint_every_; }
  /// NAME.npy with the array x. NAME begins with "samples".
  void samples(const std::string& name, ad::ConstView x);
  /// summary.json, with the rows of the tables that were printed, and metrics.csv as it stands. The
  /// states that were kept are removed unless the run was interrupted.
  void summary(const std::vector<Row>& rows);
  /// The end of a run: report.html, with the configuration and a warning after an interruption,
  /// then summary(rows); prints where the report is.
  void finish(Report report, const std::vector<Row>& rows);
  /// Any other file: `write` gets a temporary name to write to.
  void file(const std::string& name,
            const std::function<void(const std::filesystem::path&)>& write) const;
  void file(const std::string& name, std::string_view bytes) const;
  /// Wall-clock seconds since the folder was created.
  double seconds() const;

 private:
  void prepare(const Cli& cli);
  void write_metrics();

  std::filesystem::path path_;
  std::string experiment_;
  std::uint64_t seed_;
  Row configuration_;
  CheckpointEvery checkpoint_every_;
  bool resumed_ = false;
  std::map<std::string, std::size_t> blocks_;  // by name: trainings begin in any order
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::vector<std::string> columns_;
  std::map<std::size_t, std::string> lines_;  // by group
  std::chrono::steady_clock::time_point written_ = start_;
  bool dirty_ = false;
};

}  // namespace eqp
