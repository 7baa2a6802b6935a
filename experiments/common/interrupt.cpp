#include "experiments/common/interrupt.hpp"

#include <atomic>

#include "autodiff/ranks.hpp"

namespace eqp {
namespace {

// Ctrl-C, what batch systems send at the end, and what they send some time before it.
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGUSR1};

// A signal handler can reach nothing but a static flag.
std::atomic<bool> came{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void note(int) {
  came = true;
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
}

}  // namespace

bool interrupted() { return ad::on_any_rank(came); }

InterruptScope::InterruptScope() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < before_.size(); ++i) sigaction(kSignals[i], &action, &before_[i]);
}

InterruptScope::~InterruptScope() {
  for (std::size_t i = 0; i < before_.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

}  // namespace eqp
