#pragma once

#include <chrono>

#include "autodiff/archive.hpp"

namespace eqp {

/// Wall-clock seconds of a task, from where it is made. As part of the task's state, such as the
/// `more` of a Checkpoint, it counts what earlier processes took as well.
class Stopwatch {
 public:
  double seconds() const {
    return before_ + std::chrono::duration<double>(Clock::now() - start_).count();
  }
  void archive(ad::Archive& a) {
    double passed = seconds();
    a("seconds", passed);
    if (!a.reading()) return;
    before_ = passed;
    start_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;

  double before_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace eqp
