#pragma once

#include <array>
#include <csignal>

// Ctrl-C as a question the run asks now and then, so that it can finish its folder.
namespace eqp {

/// Whether SIGINT, SIGTERM or SIGUSR1 came, to any rank, while an InterruptScope was alive. Never
/// reset.
bool interrupted();

/// While alive, the first of these signals only sets interrupted(); the second ends the process.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  std::array<struct sigaction, 3> before_;  // of kSignals
};

}  // namespace eqp
