#include "experiments/common/robustness.hpp"

namespace eqp {

void make_robust(MethodSettings& settings) {
  settings.data_share = 0.1;
  settings.defensive = 0.1;
  settings.balance.on = true;
  settings.roll_back.retries = 3;
  settings.roll_back.largest_loss = 1e3;
}

Robustness::Robustness(Cli& cli)
    : robust_(cli.flag("robust",
                       "trainings look after themselves: adaptive_flow balances its learning rates "
                       "and defends its proposals, every method goes back after a divergence")),
      jarzynski_(
          cli.flag("jarzynski",
                   "adaptive_flow: weights of its chains make up for the moves of the energy")) {}

void Robustness::apply(MethodSettings& settings) const {
  if (robust_) make_robust(settings);
  settings.jarzynski.on = jarzynski_;
}

}  // namespace eqp
