#include "experiments/common/step_log.hpp"

namespace eqp {

Row metrics(const train::StepLog& log) {
  return {{"loss", log.loss},
          {"gradient_norm", log.gradient_norm},
          {"acceptance", log.acceptance},
          {"global_moves", log.global_moves},
          {"weight_ess", log.weight_ess},
          {"flow_loss", log.flow_loss},
          {"pace", log.pace * log.energy_pace},
          {"chain_ess", log.chain_ess},
          {"log_z", log.log_z}};
}

void log_blocks(RunFolder& folder, const std::string& task, const train::StepLog& log) {
  folder.block(task + " update", log.block);
  folder.block(task + " chains", log.chain_block);
}

}  // namespace eqp
