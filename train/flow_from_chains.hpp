#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "flows/flow.hpp"
#include "mcmc/adapt.hpp"
#include "mcmc/chains.hpp"
#include "train/reverse_kl.hpp"

namespace eqp::train {

struct FlowFromChainsOptions {
  std::size_t batch = 256;  // states per update, chains times steps
  double reverse = 0;       // share of the reverse divergence in the loss
  Annealing beta = [](std::uint32_t) { return 1.0; };  // of the reverse divergence only
  double target_accept = 0;  // of an adaptable kernel, once per update; 0: fixed step size
  double largest_step = 0;   // cap of the step size; 0: none
  ad::Key key = {};
};

/// A flow that learns a target while chains sample it (Gabrie, Rotskoff & Vanden-Eijnden 2022,
/// algorithm 1; Grenioux et al. 2023): every update moves the chains by batch / n steps of the
/// kernel, and the flow descends on -log q of all their states, or on a mixture of that with the
/// reverse divergence to the target (see mixed_kl). The kernel may propose from the flow: what it
/// has cached is evaluated anew after every update. No gradient flows through the chains.
///
/// The states are not draws from the target as long as the chains have not mixed, and a step size
/// that adapts forever is not exact: sample with a kernel of its own afterwards. x0 (n, d) is where
/// the chains begin. Throws std::invalid_argument unless the batch is a multiple of n and `reverse`
/// is in [0, 1].
template <mcmc::Kernel K>
Objective flow_from_chains(const flows::Flow& flow, mcmc::Energy energy, K kernel, ad::ConstView x0,
                           const FlowFromChainsOptions& options) {
  struct Chains {
    Chains(K k, ad::ConstView x) : kernel(std::move(k)), chains(kernel, x) {}
    K kernel;
    mcmc::Chains<K> chains;
    void archive(ad::Archive& a) {
      a("chains", chains);
      if constexpr (mcmc::Adaptable<K>) a("step_size", kernel.step_size());
    }
  };
  const std::size_t n = x0.rows();
  if (n == 0 || options.batch == 0 || options.batch % n != 0) {
    throw std::invalid_argument("flow_from_chains: a batch of " + std::to_string(options.batch) +
                                " from " + std::to_string(n) + " chains; need a multiple of them");
  }
  const auto steps = std::uint32_t(options.batch / n);
  auto s = std::make_shared<Chains>(std::move(kernel), x0);
  const DataSource states = [s, steps, key = options.key.fork(0)](std::uint32_t t, ad::View out) {
    if (t > 0) s->chains.refresh(s->kernel);
    s->chains.reset_counts();
    const auto collect = [&](std::size_t first, std::uint32_t step, ad::ConstView x) {
      for (std::size_t i = 0; i < x.rows(); ++i) {
        std::ranges::copy(x.row(i), out.row((first + i) * steps + step - t * steps).begin());
      }
    };
    const std::size_t width = steps * out.cols();
    const mcmc::Written states_of{out.flat(), [=](std::size_t chain) { return chain * width; }};
    s->chains.advance(s->kernel, t * steps, steps, key, collect, {&states_of, 1});
  };
  Objective objective =
      mixed_kl(flow, std::move(energy), states, options.reverse,
               {.batch = options.batch, .beta = options.beta, .key = options.key.fork(1)});
  objective.name = "flow_from_chains";
  objective.feed = [s, options, feed = objective.feed](std::uint32_t t,
                                                       std::span<const ad::View> in, StepLog& log) {
    feed(t, in, log);
    const mcmc::Counts local = s->chains.counts(), global = s->chains.global_counts();
    log.chain_block = s->chains.block();
    if (global.proposed > 0)
      log.global_moves = global.rate(), log.weight_ess = global.mean_weight_ess();
    if (local.proposed == 0) return;
    log.acceptance = local.rate();
    if constexpr (mcmc::Adaptable<K>) {
      if (options.target_accept == 0) return;
      mcmc::StepSizeAdapter({options.target_accept, options.largest_step})
          .update(s->kernel.step_size(), local.rate());
    }
  };
  objective.archive = [s](ad::Archive& a) { a("chains", *s); };
  return objective;
}

}  // namespace eqp::train
