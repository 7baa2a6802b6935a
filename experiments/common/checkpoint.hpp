#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "autodiff/archive.hpp"
#include "experiments/common/run_folder.hpp"

namespace eqp {

/// The state of one task of a run, such as a training, kept in the folder of the run: after the
/// steps or seconds of --checkpoint-every, and when the run is interrupted. With --resume the task
/// goes on from there, as it would have. In a job of several ranks the first one writes and reads,
/// and decides when; all must call, at the same steps.
///
/// State that cannot be kept, as on a full disk, is said once on stderr; the run goes on, and what
/// was kept before stays.
class Checkpoint final : public ad::Keeper {
 public:
  /// `task` is unique within the run. The rows that the task logs, to `group`, belong to its state,
  /// and so does what `more` writes and reads: what the caller keeps from step to step.
  Checkpoint(RunFolder& folder, std::string task, std::size_t group, ad::State more = {});

  /// Throws std::invalid_argument for a file that is damaged or of another state.
  void restore(const ad::State& state) override;
  /// False once the run is interrupted.
  bool offer(const ad::State& state) override;
  void keep(const ad::State& state) override;

 private:
  ad::State whole(const ad::State& state);

  RunFolder& folder_;
  std::string task_;
  std::size_t group_;
  ad::State more_;
  std::filesystem::path file_;
  std::uint64_t steps_ = 0;  // since the state was kept
  std::chrono::steady_clock::time_point kept_ = std::chrono::steady_clock::now();
  bool failed_ = false;
};

}  // namespace eqp
