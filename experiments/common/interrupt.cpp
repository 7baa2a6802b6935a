#include "experiments/common/interrupt.hpp"

#include <atomic>

namespace eqp {
namespace {

// A signal handler can reach nothing but a static flag.
std::atomic<bool> came{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void note(int) {
  came = true;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

bool interrupted() { return came; }

InterruptScope::InterruptScope() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &int_before_);
  sigaction(SIGTERM, &action, &term_before_);
}

InterruptScope::~InterruptScope() {
  sigaction(SIGINT, &int_before_, nullptr);
  sigaction(SIGTERM, &term_before_, nullptr);
}

}  // namespace eqp
