#include "experiments/common/checkpoint.hpp"

#include <iostream>
#include <stdexcept>
#include <utility>

#include "autodiff/ranks.hpp"
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
  if (!folder_.resumed()) return;
  const bool is_there = ad::on_any_rank(ad::rank() == 0 && std::filesystem::exists(file_));
  if (!is_there) return;
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
  const bool go_on = !interrupted();
  if (ad::on_any_rank(ad::rank() == 0 && due) || !go_on) keep(state);
  return go_on;
}

void Checkpoint::keep(const ad::State& state) {
  steps_ = 0;
  kept_ = std::chrono::steady_clock::now();
  if (ad::rank() != 0) {
    // The first rank writes what all have; some of it is gathered as it asks.
    ad::Archive asked;
    return whole(state)(asked);
  }
  try {
    ad::save_state(file_, folder_.state_owner(task_), whole(state));
    failed_ = false;
  } catch (const std::runtime_error& e) {
    if (!std::exchange(failed_, true)) std::cerr << e.what() << "; the run goes on\n";
  }
}

}  // namespace eqp
