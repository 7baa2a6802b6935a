#include "experiments/common/checkpoint.hpp"

#include <iostream>
#include <stdexcept>
#include <utility>

#include "autodiff/state_file.hpp"
#include "experiments/common/interrupt.hpp"

namespace eqp {

Checkpoint::Checkpoint(RunFolder& folder, std::string task, std::size_t group, ad::State more)
    : folder_(folder),
      task_(std::move(task)),
      group_(group),
      more_(std::move(more)),
      file_(folder.state_file(task_)) {}

ad::State Checkpoint::whole(const ad::State& state) {
  return [&](ad::Archive& a) {
    state(a);
    a.within("metrics", [&] { folder_.archive(a, group_); });
    if (more_) a.within("more", [&] { more_(a); });
  };
}

void Checkpoint::restore(const ad::State& state) {
  if (!folder_.resumed() || !std::filesystem::exists(file_)) return;
  try {
    ad::load_state(file_, folder_.state_owner(task_), whole(state));
  } catch (const std::invalid_argument& e) {
    const std::string previous = file_.string() + ".previous";
    throw std::invalid_argument(e.what() + (std::filesystem::exists(previous)
                                                ? "; the state before it is in " + previous
                                                : std::string()));
  }
}

bool Checkpoint::offer(const ad::State& state) {
  ++steps_;
  const CheckpointEvery every = folder_.checkpoint_every();
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - kept_;
  const bool due = (every.steps > 0 && steps_ >= every.steps) ||
                   (every.seconds > 0 && passed.count() >= every.seconds);
  if (due || interrupted()) keep(state);
  return !interrupted();
}

void Checkpoint::keep(const ad::State& state) {
  steps_ = 0;
  kept_ = std::chrono::steady_clock::now();
  try {
    ad::save_state(file_, folder_.state_owner(task_), whole(state));
    failed_ = false;
  } catch (const std::runtime_error& e) {
    if (!std::exchange(failed_, true)) std::cerr << e.what() << "; the run goes on\n";
  }
}

}  // namespace eqp
