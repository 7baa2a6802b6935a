#include "train/metrics/importance.hpp"

#include "mcmc/proposal.hpp"

namespace eqp::train {

Importance importance(const flows::Flow& flow, const mcmc::Energy& energy, std::size_t draws,
                      ad::Key key) {
  return mcmc::importance_sample(energy, mcmc::from_flow(flow), draws, key).report;
}

}  // namespace eqp::train
