#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "autodiff/archive.hpp"

namespace eqp::train {

/// What a training does when it diverges: it goes back to a state in which all was well, with
/// smaller learning rates.
struct RollBackOptions {
  std::uint32_t retries = 0;  // in all; the divergence after the last one ends the training
  std::uint32_t every = 100;  // steps between the states it can go back to
  double slow_down = 0.5;     // factor of all learning rates, each time
  /// A loss beyond it, in either direction, is a divergence as one that is not finite is. Energies
  /// that run away from their chains have losses of orders of magnitude before they overflow.
  double largest_loss = std::numeric_limits<double>::infinity();
};

/// The states a training can go back to: the last two that were kept, of which it takes the older
/// one, since what diverges has gone wrong some steps before it shows.
class RollBack {
 public:
  /// Throws std::invalid_argument for states that are never kept, and unless slow_down is between
  /// 0 and 1 and largest_loss positive.
  explicit RollBack(const RollBackOptions& options);

  /// Before step t: keeps the state if it is time to.
  void offer(std::uint32_t t, const ad::State& state);
  /// Throws std::runtime_error for a loss beyond the largest.
  void check(double loss) const;
  /// Changes the state to the older of those kept, after what `error` says. Returns what happened,
  /// for a log. Throws std::runtime_error with the error if no retry is left.
  std::string go_back(const std::string& error, const ad::State& state);

  /// What is left of the learning rates.
  double pace() const { return pace_; }
  /// Whether there is a state of its own to archive.
  bool is_on() const { return options_.retries > 0; }
  void archive(ad::Archive& a);

 private:
  struct Kept {
    std::uint32_t step = 0;
    std::string bytes;
    void archive(ad::Archive& a) {
      a("step", step);
      a("bytes", bytes);
    }
  };

  RollBackOptions options_;
  std::array<Kept, 2> kept_;  // the newer one last; empty bytes: none
  std::uint32_t retries_ = 0;
  double pace_ = 1;
};

}  // namespace eqp::train
