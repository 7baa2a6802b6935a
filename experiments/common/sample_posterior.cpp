#include "experiments/common/sample_posterior.hpp"

#include "experiments/common/interrupt.hpp"
#include "mcmc/nuts.hpp"
#include "mcmc/starts.hpp"

namespace eqp {

mcmc::RunResult sample(const mcmc::Posterior& posterior, const SampleOptions& o) {
  // A funnel has no coordinates that suit all of it: small steps for its neck.
  const double suitable = posterior.name == "eight_schools_centered" ? 0.99 : 0.8;
  const double target = o.target_accept > 0 ? o.target_accept : suitable;
  return mcmc::run(mcmc::Nuts(posterior.energy, posterior.dim(), {.max_depth = o.max_depth}),
                   mcmc::find_starts(posterior.energy, posterior.dim(), o.chains, o.key),
                   {.steps = o.steps,
                    .warmup = o.warmup,
                    .key = o.key.fork(1),
                    .adapt = mcmc::WarmupOptions{.target_accept = target, .metric = o.metric},
                    .stop = interrupted,
                    .keeper = o.keeper,
                    .sink = o.sink});
}

}  // namespace eqp
