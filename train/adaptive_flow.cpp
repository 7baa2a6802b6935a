#include "train/adaptive_flow.hpp"

#include <optional>
#include <stdexcept>
#include <string>

namespace eqp::train {
namespace {

using FlowMc = mcmc::Alternate<mcmc::Isir, mcmc::Mala>;

class AdaptiveFlow {
 public:
  AdaptiveFlow(const mcmc::Energy& energy, DataSource data, const flows::Flow& flow,
               ad::Params& flow_params, AdaptiveFlowOptions o)
      : o_(std::move(o)),
        dim_(flow.dim()),
        data_(std::move(data)),
        kernel_(mcmc::Isir(energy, mcmc::from_flow(flow), {.particles = o_.particles}),
                mcmc::Mala(energy, dim_, {.step_size = o_.step_size}),
                {.global_steps = o_.global_steps,
                 .local_steps = o_.local_steps,
                 .step = mcmc::Step::move}),
        bank_(o_.bank, dim_, base_sampler(flow), o_.key.fork(0)),
        flow_update_("flow", flow_params, {{dim_}}, flow_loss(flow), adam(), {}) {
    if (length() == 0) throw std::invalid_argument("adaptive_flow: 0 cycles: need at least 1");
    if (per_chain() == 0 || per_chain() > length()) {
      throw std::invalid_argument("adaptive_flow: " + std::to_string(per_chain()) +
                                  " negatives per chain: need 1 to its " +
                                  std::to_string(length()) + " states");
    }
  }

  // Algorithm 1, steps 1 to 3: data, and chains from random slots of the bank.
  void feed(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    data_(t, in[0]);
    ad::Tensor start({chains(), dim_});
    bank_.take(t, start);
    if (chains_) {
      chains_->set(kernel_, start);
    } else {
      chains_.emplace(kernel_, start);
    }
    chains_->reset_counts();
    const ad::View negatives = in[1];
    chains_->advance(kernel_, t * length(), length(), o_.key,
                     [&](std::size_t first_chain, std::uint32_t step, ad::ConstView x) {
                       collect(first_chain, step - t * length(), x, negatives);
                     });
    chains_->gather(negatives.flat(), [&](std::size_t chain) {
      return (std::max(chain * per_chain(), surplus(negatives)) - surplus(negatives)) * dim_;
    });
    bank_.put_back(chains_->positions());
    log.chain_block = chains_->block();

    const mcmc::Counts global = chains_->global_counts(), local = chains_->counts();
    if (global.proposed > 0) {
      log.global_moves = global.rate();
      log.weight_ess = global.mean_weight_ess();
    }
    if (local.proposed > 0) {
      log.acceptance = local.rate();
      adapter_.update(kernel_.step_size(), local.rate());
    }
  }

  // Step 5: the flow learns the negatives.
  void after(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    const ad::ConstView batch[] = {in[1]};
    for (std::uint32_t k = 0; k < o_.flow_updates; ++k) {
      log.flow_loss = flow_update_.step(batch, o_.flow_learning_rate(t)).loss;
    }
  }

  // The chains begin every update at slots of the bank.
  void archive(ad::Archive& a) {
    a("bank", bank_);
    a("flow", flow_update_);
    a("step_size", kernel_.step_size());
  }

 private:
  std::uint32_t length() const { return o_.cycles * (o_.global_steps + o_.local_steps); }
  std::size_t per_chain() const {
    switch (o_.negatives) {
      case Negatives::last:
        return 1;
      case Negatives::all:
        return length();
      case Negatives::subsample:
        return o_.per_chain;
    }
    throw std::logic_error("adaptive_flow: unknown choice of negatives");
  }
  std::size_t chains() const { return (o_.batch + per_chain() - 1) / per_chain(); }

  // The k-th of a chain's per_chain states is taken after step (k + 1) length / per_chain.
  void collect(std::size_t first_chain, std::uint32_t step, ad::ConstView x, ad::View negatives) {
    const std::size_t n = per_chain();
    const std::size_t k = std::size_t(step + 1) * n / length();
    if (k == std::size_t(step) * n / length()) return;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const std::size_t row = (first_chain + i) * n + k - 1, left_out = surplus(negatives);
      if (row >= left_out) std::ranges::copy(x.row(i), negatives.row(row - left_out).begin());
    }
  }
  // Where the chains make more states than the batch holds, the last ones count.
  std::size_t surplus(ad::ConstView negatives) const {
    return chains() * per_chain() - negatives.rows();
  }

  AdaptiveFlowOptions o_;
  std::size_t dim_;
  DataSource data_;
  FlowMc kernel_;
  Bank bank_;
  Update flow_update_;
  mcmc::StepSizeAdapter adapter_{{.target = o_.target_accept, .largest = 1}};
  std::optional<mcmc::Chains<FlowMc>> chains_;
};

}  // namespace

mcmc::Sampler base_sampler(flows::Flow flow) {
  const ad::Batched draw({{flow.noise_dim()}}, [flow](std::span<const ad::Var> in) -> ad::Vars {
    return {flow.base().draw(in[0])};
  });
  return [draw](ad::View out, ad::Key key, std::uint32_t first) {
    ad::Workspace at = draw.workspace(out.rows());
    ad::BlockRng{key, 0, first}.normal(at.in(0));
    at.run();
    std::ranges::copy(at.out(0).flat(), out.data);
  };
}

Objective adaptive_flow(mcmc::Energy energy, DataSource data, flows::Flow flow,
                        ad::Params& flow_params, AdaptiveFlowOptions options) {
  const std::size_t batch = options.batch, dim = flow.dim();
  auto method = std::make_shared<AdaptiveFlow>(energy, std::move(data), flow, flow_params,
                                               std::move(options));
  return {.name = "adaptive_flow",
          .batch = batch,
          .row_shapes = {{dim}, {dim}},
          .loss = contrastive_loss(energy, 0),
          .feed = [=](auto t, auto in, StepLog& log) { method->feed(t, in, log); },
          .after = [=](auto t, auto in, StepLog& log) { method->after(t, in, log); },
          .archive = [=](ad::Archive& a) { method->archive(a); }};
}

}  // namespace eqp::train
