#include "autodiff/hoisted.hpp"

#include <thread>

namespace eqp::ad {

Hoisted::Hoisted(const Plan& plan)
    : plan_(plan),
      memory_(aligned_array(plan.hoisted_memory)),
      calls_(plan, plan.hoisted, nullptr, memory_.get()) {}

// Versions only grow, so their sum tells any two states of all the parameters apart.
std::uint64_t Hoisted::version() const {
  std::uint64_t sum = 1;
  for (const Params* params : plan_.params) sum += params->version();
  return sum;
}

bool Hoisted::update() {
  if (calls_.size() == 0) return false;
  const std::uint64_t now = version();
  if (seen_.load(std::memory_order_acquire) == now) return false;
  // Mostly it is done in some microseconds, and to be put to sleep and woken up takes more.
  std::unique_lock lock(mutex_, std::defer_lock);
  while (!lock.try_lock()) std::this_thread::yield();
  if (seen_.load(std::memory_order_relaxed) == now) return false;
  calls_.follow(plan_);
  for (std::size_t i = 0; i < calls_.size(); ++i) calls_.run(i);
  seen_.store(now, std::memory_order_release);
  return true;
}

}  // namespace eqp::ad
