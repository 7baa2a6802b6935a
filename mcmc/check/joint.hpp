#pragma once

#include <algorithm>

#include "autodiff/non_finite.hpp"
#include "autodiff/parallel.hpp"
#include "mcmc/check/features.hpp"
#include "mcmc/check/model.hpp"
#include "mcmc/kernel.hpp"

namespace eqp::mcmc {

/// Makes a kernel from an energy and a proposal that covers its law, in proposal.dim dimensions:
/// what a check is given when it needs the same kernel for another law.
template <class Make>
concept KernelMaker = requires(const Make make, const Energy& energy, const Proposal& proposal) {
  { make(energy, proposal) } -> Kernel;
};

struct JointOptions {
  std::size_t replicates = 4096;  // independent, each from its own draw of (theta, y)
  std::uint32_t sweeps = 10;      // of new data (not in the first), then kernel steps on theta
  std::uint32_t steps = 1;        // of the kernel per sweep
  std::size_t pilot = 4096;       // exact draws that define the scores
  std::size_t tasks = 8;          // each with its own kernel; no result depends on them
  double false_alarm = 1e-3;      // of the whole check
  ad::Key key;
};

/// Draws of (theta, y), (n, dim + data_dim).
struct JointDraws {
  ad::Tensor before, after;
};

/// Draws theta from the prior and y given theta: (n, dim + data_dim).
ad::Tensor joint_draws(const Model& model, std::size_t n, ad::Key key);

/// Throws std::invalid_argument naming the first option that makes no sense.
void require_sensible(const JointOptions& options);

Check judge_joint(const Model& model, const JointDraws& draws, const JointOptions& options);

/// One replicate: theta and y (in joint, dim + data_dim) go through the sweeps, in place. It ends
/// with a move of theta, for fresh data would hide half of what went wrong between theta and y.
template <Kernel K>
void sweep(const K& kernel, ConditionedModel& posterior, std::size_t dim, std::span<Real> joint,
           std::uint32_t replicate, const JointOptions& options) {
  posterior.set(joint.subspan(dim));
  typename K::State state = kernel.init({joint.data(), ad::Shape{1, dim}}, replicate);
  const ad::Key steps = options.key.fork(1), data = options.key.fork(2);
  for (std::uint32_t t = 0; t < options.sweeps; ++t) {
    if (t > 0) {
      posterior.draw_data(state.x().row(0), data, replicate, t);
      kernel.refresh(state);
    }
    for (std::uint32_t k = 0; k < options.steps; ++k) {
      kernel.step(state, {steps, t * options.steps + k, replicate});
    }
  }
  std::ranges::copy(state.x().row(0), joint.begin());
  std::ranges::copy(posterior.data(), joint.begin() + std::ptrdiff_t(dim));
}

/// Geweke's (2004) joint distribution test: does the kernel on p(theta | y) leave p(theta, y)
/// invariant when steps on theta alternate with new data y ~ p(y | theta)? His marginal-conditional
/// simulator draws theta from the prior and y given theta; his successive-conditional one starts
/// there, as independent replicates rather than as one long chain, so that errors need no
/// autocorrelation. Scores of theta, of y and of their products must not change (compare_laws).
/// Finds errors for the posterior as much as caches that miss that the data have moved.
template <KernelMaker Make>
Check check_joint(const Make& make, const Model& model, const JointOptions& options = {}) {
  require_complete(model);
  require_sensible(options);
  JointDraws draws{.before = joint_draws(model, options.replicates, options.key.fork(0))};
  draws.after = draws.before;
  const ad::Blocks blocks{options.replicates,
                          (options.replicates + options.tasks - 1) / options.tasks};
  try {
    ad::parallel_for(blocks.count(), [&](std::size_t b) {
      ConditionedModel posterior(model);
      const auto kernel = make(posterior.energy(), model.proposal);
      for (std::size_t i = 0; i < blocks.size(b); ++i) {
        const std::size_t r = blocks.first(b) + i;
        sweep(kernel, posterior, model.dim, draws.after.row(r), std::uint32_t(r), options);
      }
    });
  } catch (const ad::NonFinite& e) {
    return stopped("joint distribution", e.what());
  }
  return judge_joint(model, draws, options);
}

}  // namespace eqp::mcmc
