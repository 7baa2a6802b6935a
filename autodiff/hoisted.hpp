#pragma once

#include <atomic>
#include <mutex>

#include "autodiff/calls.hpp"

namespace eqp::ad {

/// What the workspaces of a program share: the values that depend on parameters only, such as a
/// layer's transposed weights.
class Hoisted {
 public:
  explicit Hoisted(const Plan& plan);

  /// Recomputes after the parameters were written. Any workspace may ask, from any thread; the one
  /// that comes first does it while the others wait. Without a write there is no lock. Returns
  /// whether it was this call that did it.
  bool update();
  const Calls& calls() const { return calls_; }
  Real* data() const { return memory_.get(); }

 private:
  std::uint64_t version() const;

  const Plan& plan_;
  AlignedArray memory_;
  Calls calls_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> seen_ = 0;  // the version of the parameters in memory_
};

}  // namespace eqp::ad
