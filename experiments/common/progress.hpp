#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>

namespace eqp {

/// How a run of several trainings is getting on, on stderr: one live line on a terminal, a line
/// every few seconds otherwise, nothing if quiet. Thread-safe: trainings may run at the same time.
class Progress {
 public:
  struct Options {
    /// How many trainings there will be, for the time left.
    std::size_t total = 1;
    bool quiet = false;
  };
  /// What a training says of itself; what is missing is not shown.
  struct State {
    std::size_t step = 0;
    std::optional<double> loss = std::nullopt;
    std::optional<double> acceptance = std::nullopt;
  };

  /// One training, from Progress::start to the end of its scope.
  class Training {
   public:
    ~Training();
    Training(const Training&) = delete;
    Training& operator=(const Training&) = delete;
    /// Cheap to call at every step: it draws at most ten times a second.
    void update(const State& state);

   private:
    friend class Progress;
    Training(Progress& progress, std::string label, std::size_t steps);

    Progress& progress_;
    std::string label_;
    std::size_t steps_;
    State state_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };

  explicit Progress(const Options& options);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  Training start(std::string label, std::size_t steps) { return {*this, std::move(label), steps}; }
  /// The line as it would be drawn now: "12/20 trainings · c2/adaptive_flow 43 % · 310 steps/s ·
  /// loss 1.23 · acceptance 0.61 · 0:41 left", about the training that runs longest.
  std::string line() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string locked_line() const;
  void draw();
  void clear();

  Options options_;
  bool live_;
  mutable std::mutex mutex_;
  std::size_t finished_ = 0;
  std::list<const Training*> running_;  // the oldest first
  Clock::time_point start_ = Clock::now(), drawn_ = start_;
};

}  // namespace eqp
