#include "train/adaptive_flow.hpp"

#include <cmath>
#include <stdexcept>

#include "mcmc/defensive.hpp"

namespace eqp::train {
namespace {

using FlowMc = mcmc::Alternate<mcmc::Isir, mcmc::Mala>;

// -log lambda(x), times the weights of the rows if there are any.
Loss weighted_flow_loss(const flows::Flow& flow) {
  return [loss = flow_loss(flow)](std::span<const ad::Var> in) {
    const ad::Var of_rows = loss(in.first(1));
    return in.size() > 1 ? in[1] * of_rows : of_rows;
  };
}

class AdaptiveFlow {
 public:
  AdaptiveFlow(mcmc::Energy energy, DataSource data, const flows::Flow& flow,
               ad::Params& flow_params, AdaptiveFlowOptions o)
      : o_(checked(std::move(o))),
        energy_(std::move(energy)),
        flow_(flow),
        data_(std::move(data)),
        chains_(chains()),
        balance_(o_.balance, o_.flow_updates, o_.particles),
        flow_update_("flow", flow_params, input_shapes(1), weighted_flow_loss(flow), adam(), {}) {
    for (const ad::Shape& row : input_shapes(1)) {
      flow_batch_.emplace_back(ad::batch_shape(o_.batch, row));
    }
  }

  /// Of so many inputs of points, and weights if there are any.
  std::vector<ad::Shape> input_shapes(std::size_t points) const {
    std::vector<ad::Shape> shapes(points, ad::Shape{flow_.dim()});
    if (o_.jarzynski.on) shapes.push_back({});
    return shapes;
  }

  // Algorithm 1, steps 1 to 3: data, and chains from random slots of the bank.
  void feed(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    data_(t, in[0]);
    chains_(t, in[1], log);
    if (o_.jarzynski.on) chains_.weigh(in[2]);
    if (std::string event = balance_.watch(log.global_moves, log.weight_ess); !event.empty()) {
      log.events.push_back("step " + std::to_string(t) + ": " + event);
    }
    log.energy_pace = balance_.pace();
  }

  // Step 5: the flow learns the negatives, and data in the place of some.
  void after(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    for (std::size_t k = 0; k < flow_batch_.size(); ++k) {
      std::ranges::copy(in[k + 1].flat(), flow_batch_[k].flat().begin());
    }
    const auto n = std::size_t(std::lround(o_.data_share * double(o_.batch)));
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t row = k * o_.batch / n;
      std::ranges::copy(in[0].row(row), flow_batch_[0].row(row).begin());
      if (o_.jarzynski.on) flow_batch_[1][row] = 1;
    }
    const std::vector<ad::ConstView> batch(flow_batch_.begin(), flow_batch_.end());
    for (std::uint32_t k = 0; k < balance_.flow_updates(); ++k) {
      log.flow_loss = flow_update_.step(batch, log.pace * o_.flow_learning_rate(t)).loss;
    }
  }

  const Bank& bank() const { return chains_.bank(); }
  mcmc::RunResult run(ad::ConstView x0, const mcmc::RunOptions& options) {
    return mcmc::run(kernel(mcmc::Step::cycle, chains_.step_size()), x0, options);
  }

  void archive(ad::Archive& a) {
    chains_.archive(a);
    if (o_.balance.on) a("balance", balance_);
    a("flow", flow_update_);
  }

 private:
  static AdaptiveFlowOptions checked(AdaptiveFlowOptions o) {
    for (const auto& [name, share] :
         {std::pair("data_share", o.data_share), std::pair("defensive", o.defensive)}) {
      if (share >= 0 && share < 1) continue;
      throw std::invalid_argument("adaptive_flow: " + std::string(name) + " " +
                                  std::to_string(share) + "; need a number from 0 to below 1");
    }
    return o;
  }

  BankChains<FlowMc> chains() const {
    Bank bank(o_.bank, flow_.dim(), base_sampler(flow_), o_.key.fork(0));
    std::optional<JarzynskiWeights> weights;
    if (o_.jarzynski.on) {
      const mcmc::Energy start = [flow = flow_](ad::Var x) { return -flow.base().log_prob(x); };
      weights.emplace(energy_, start, bank.states(), o_.jarzynski, o_.key.fork(1));
    }
    // Every state may be a negative, so that a step is a single move.
    return {"adaptive_flow",
            kernel(mcmc::Step::move, o_.step_size),
            std::move(bank),
            {.batch = o_.batch,
             .length = o_.cycles * (o_.global_steps + o_.local_steps),
             .negatives = o_.negatives,
             .per_chain = o_.per_chain,
             .target_accept = o_.target_accept,
             .key = o_.key},
            std::move(weights)};
  }

  FlowMc kernel(mcmc::Step step, double step_size) const {
    mcmc::Proposal proposal = mcmc::from_flow(flow_);
    if (o_.defensive > 0) {
      proposal = mcmc::defensive_mixture(proposal, mcmc::from_base(flow_), {.alpha = o_.defensive});
    }
    return FlowMc(mcmc::Isir(energy_, proposal, {.particles = o_.particles}),
                  mcmc::Mala(energy_, flow_.dim(), {.step_size = step_size}),
                  {.global_steps = o_.global_steps, .local_steps = o_.local_steps, .step = step});
  }

  AdaptiveFlowOptions o_;
  mcmc::Energy energy_;
  flows::Flow flow_;
  DataSource data_;
  BankChains<FlowMc> chains_;
  Balance balance_;
  Update flow_update_;
  std::vector<ad::Tensor> flow_batch_;  // its inputs
};

}  // namespace

Objective adaptive_flow(mcmc::Energy energy, DataSource data, flows::Flow flow,
                        ad::Params& flow_params, AdaptiveFlowOptions options) {
  const std::size_t batch = options.batch;
  const std::uint32_t cycles = options.cycles;
  const double regulariser = options.regulariser;
  auto method = std::make_shared<AdaptiveFlow>(energy, std::move(data), flow, flow_params,
                                               std::move(options));
  return {.name = "adaptive_flow",
          .batch = batch,
          .row_shapes = method->input_shapes(2),
          .loss = contrastive_loss(energy, regulariser),
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
