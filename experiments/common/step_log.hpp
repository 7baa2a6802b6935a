#pragma once

#include <string>

#include "experiments/common/run_folder.hpp"
#include "train/objective.hpp"

// What a training step reports, in the files of its run.
namespace eqp {

/// For metrics.csv: loss, gradient_norm, acceptance, global_moves, weight_ess, flow_loss, pace (of
/// the energy), chain_ess and log_z; NaN where the method has no such thing.
Row metrics(const train::StepLog& log);

/// For config.json: rows of a block of "TASK update", and chains of one of "TASK chains".
void log_blocks(RunFolder& folder, const std::string& task, const train::StepLog& log);

}  // namespace eqp
