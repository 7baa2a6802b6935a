#include "experiments/common/sample_posterior.hpp"

#include "experiments/common/interrupt.hpp"
#include "mcmc/nuts.hpp"

namespace eqp {

mcmc::RunResult sample(const mcmc::Posterior& posterior, const SampleOptions& o) {
  // A funnel has no coordinates that suit all of it: small steps for its neck.
  const bool funnel = posterior.name == "eight_schools_centered";
  return mcmc::run(
      mcmc::Nuts(posterior.energy, posterior.dim(), {}), mcmc::starts(posterior, o.chains, o.key),
      {.steps = o.steps,
       .warmup = o.warmup,
       .key = o.key.fork(1),
       .adapt = mcmc::WarmupOptions{.target_accept = funnel ? 0.99 : 0.8, .metric = o.metric},
       .stop = interrupted,
       .keeper = o.keeper});
}

}  // namespace eqp
