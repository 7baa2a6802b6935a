#pragma once

#include <csignal>

// Ctrl-C as a question the run asks now and then, so that it can finish its folder.
namespace eqp {

/// Whether SIGINT or SIGTERM came while an InterruptScope was alive. Never reset.
bool interrupted();

/// While alive, the first SIGINT or SIGTERM only sets interrupted(); the second ends the process.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  struct sigaction int_before_, term_before_;
};

}  // namespace eqp
