#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace eqp::ad {

struct Compiled;

/// A fast clock of unknown unit.
std::uint64_t ticks();

class Profile;

/// The times of one workspace: a sum per step of its program. It adds itself to the
/// profile when it goes.
struct StepTimes {
  StepTimes(Profile& profile, std::shared_ptr<const Compiled> program);
  ~StepTimes();

  Profile& profile;
  std::shared_ptr<const Compiled> program;
  std::vector<std::uint64_t> ticks;
  std::uint64_t hoisted = 0;  // spent on what all workspaces share, waiting for it included
  std::uint64_t updates = 0;  // of that, done here
  std::uint64_t runs = 0;
};

/// Where the time of programs goes. While one lives, every workspace that is made keeps times,
/// which costs a clock reading per kernel; otherwise nothing is measured. Workspaces made meanwhile
/// must be gone before the profile. At most one at a time: a second throws std::logic_error.
class Profile {
 public:
  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  struct Entry {
    double seconds = 0;  // over all threads
    double calls = 0;
    double flops = 0;  // of products; 0 for what is not counted
  };
  /// By op, and by the layer that recorded it.
  struct Summary {
    std::map<std::string, Entry> ops, layers;
    double seconds = 0;  // of all programs, over all threads
    double elapsed = 0;  // since the profile was made
  };
  /// Of all workspaces that are gone or idle.
  Summary summary() const;
  /// The summary as two tables of at most 25 rows, longest first: seconds, share of the total,
  /// calls, GFLOP/s.
  void print(std::ostream& out) const;

  /// The times of a new workspace; null when no profile is on.
  static std::unique_ptr<StepTimes> times(const std::shared_ptr<const Compiled>& program);

 private:
  friend struct StepTimes;
  void add(const StepTimes& times, Summary& to) const;

  mutable std::mutex mutex_;
  std::vector<const StepTimes*> live_;
  Summary gone_;  // its seconds are ticks
  std::uint64_t first_tick_;
  std::int64_t first_nanosecond_;
};

}  // namespace eqp::ad
