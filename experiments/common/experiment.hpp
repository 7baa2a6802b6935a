#pragma once

#include <functional>
#include <string>

#include "experiments/common/cli.hpp"

namespace eqp {

/// The main() of an experiment: runs `body` on --threads threads, in the executable of --precision,
/// with SIGINT, SIGTERM and SIGUSR1 turned into interrupted(). With --profile, prints at the end
/// where the time went; everything that `body` made must be gone by then. An error becomes one line
/// on stderr. As one of the ranks of a job it works with the others and leaves speaking and writing
/// to the first one. Returns 0; 2 for bad input (std::invalid_argument); 1 for a failed run; 75 if
/// the run was interrupted.
int experiment(int argc, char** argv, const std::string& about,
               const std::function<void(Cli&)>& body);

}  // namespace eqp
