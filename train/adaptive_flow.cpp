#include "train/adaptive_flow.hpp"

namespace eqp::train {
namespace {

using FlowMc = mcmc::Alternate<mcmc::Isir, mcmc::Mala>;

class AdaptiveFlow {
 public:
  AdaptiveFlow(mcmc::Energy energy, DataSource data, const flows::Flow& flow,
               ad::Params& flow_params, AdaptiveFlowOptions o)
      : o_(std::move(o)),
        energy_(std::move(energy)),
        flow_(flow),
        data_(std::move(data)),
        // Every state may be a negative, so that a step is a single move.
        chains_("adaptive_flow", kernel(mcmc::Step::move, o_.step_size),
                Bank(o_.bank, flow.dim(), base_sampler(flow), o_.key.fork(0)),
                {.batch = o_.batch,
                 .length = o_.cycles * (o_.global_steps + o_.local_steps),
                 .negatives = o_.negatives,
                 .per_chain = o_.per_chain,
                 .target_accept = o_.target_accept,
                 .key = o_.key}),
        flow_update_("flow", flow_params, {{flow.dim()}}, flow_loss(flow), adam(), {}) {}

  // Algorithm 1, steps 1 to 3: data, and chains from random slots of the bank.
  void feed(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    data_(t, in[0]);
    chains_(t, in[1], log);
  }

  // Step 5: the flow learns the negatives.
  void after(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    const ad::ConstView batch[] = {in[1]};
    for (std::uint32_t k = 0; k < o_.flow_updates; ++k) {
      log.flow_loss = flow_update_.step(batch, o_.flow_learning_rate(t)).loss;
    }
  }

  const Bank& bank() const { return chains_.bank(); }
  mcmc::RunResult run(ad::ConstView x0, const mcmc::RunOptions& options) {
    return mcmc::run(kernel(mcmc::Step::cycle, chains_.step_size()), x0, options);
  }

  void archive(ad::Archive& a) {
    chains_.archive(a);
    a("flow", flow_update_);
  }

 private:
  FlowMc kernel(mcmc::Step step, double step_size) const {
    return FlowMc(mcmc::Isir(energy_, mcmc::from_flow(flow_), {.particles = o_.particles}),
                  mcmc::Mala(energy_, flow_.dim(), {.step_size = step_size}),
                  {.global_steps = o_.global_steps, .local_steps = o_.local_steps, .step = step});
  }

  AdaptiveFlowOptions o_;
  mcmc::Energy energy_;
  flows::Flow flow_;
  DataSource data_;
  BankChains<FlowMc> chains_;
  Update flow_update_;
};

}  // namespace

Objective adaptive_flow(mcmc::Energy energy, DataSource data, flows::Flow flow,
                        ad::Params& flow_params, AdaptiveFlowOptions options) {
  const std::size_t batch = options.batch, dim = flow.dim();
  const std::uint32_t cycles = options.cycles;
  auto method = std::make_shared<AdaptiveFlow>(energy, std::move(data), flow, flow_params,
                                               std::move(options));
  return {.name = "adaptive_flow",
          .batch = batch,
          .row_shapes = {{dim}, {dim}},
          .loss = contrastive_loss(energy, 0),
          .feed = [=](auto t, auto in, StepLog& log) { method->feed(t, in, log); },
          .after = [=](auto t, auto in, StepLog& log) { method->after(t, in, log); },
          .archive = [=](ad::Archive& a) { method->archive(a); },
          .chains = NegativeChains{.steps = cycles,
                                   .starts = [=] { return method->bank().states(); },
                                   .run =
                                       [=](ad::ConstView x0, const mcmc::RunOptions& run) {
                                         return method->run(x0, run);
                                       }}};
}

}  // namespace eqp::train
