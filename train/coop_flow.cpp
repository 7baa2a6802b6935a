#include "train/coop_flow.hpp"

namespace eqp::train {
namespace {

class CoopFlow {
 public:
  CoopFlow(const mcmc::Energy& energy, DataSource data, const flows::Flow& flow,
           ad::Params& flow_params, CoopFlowOptions o)
      : o_(std::move(o)),
        dim_(flow.dim()),
        data_(std::move(data)),
        draw_(flow_sampler(flow)),
        descent_(energy,
                 {.dim = dim_,
                  .steps = o_.steps,
                  .step_size = o_.step_size,
                  .bound = o_.bound,
                  .noise = o_.noise,
                  .key = o_.key},
                 drawn(o_.batch, o_.key.fork(0).fork(0))),
        flow_update_("flow", flow_params, {{dim_}}, flow_loss(flow), adam(), {}) {}

  void feed(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    data_(t, in[0]);
    draw_(in[1], o_.key.fork(0).fork(t), 0);
    descent_(t, in[1], in[1], log);
  }

  void after(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    if (t < o_.flow_starts) return;
    const ad::ConstView batch[] = {in[1]};
    log.flow_loss = flow_update_.step(batch, log.pace * o_.flow_learning_rate(t)).loss;
  }

  ad::Tensor starts() const { return drawn(o_.starts, o_.key.fork(1)); }
  mcmc::RunResult run(ad::ConstView x0, const mcmc::RunOptions& options) const {
    return mcmc::run(descent_.kernel(), x0, options);
  }

  void archive(ad::Archive& a) { a("flow", flow_update_); }

 private:
  // By the flow as it is (n, d).
  ad::Tensor drawn(std::size_t n, ad::Key key) const {
    ad::Tensor x({n, dim_});
    draw_(x, key, 0);
    return x;
  }

  CoopFlowOptions o_;
  std::size_t dim_;
  DataSource data_;
  mcmc::Sampler draw_;
  LangevinNegatives descent_;
  Update flow_update_;
};

}  // namespace

Objective coop_flow(mcmc::Energy energy, DataSource data, flows::Flow flow, ad::Params& flow_params,
                    CoopFlowOptions options) {
  const std::size_t batch = options.batch, dim = flow.dim();
  const std::uint32_t steps = options.steps;
  const double regulariser = options.regulariser;
  auto method =
      std::make_shared<CoopFlow>(energy, std::move(data), flow, flow_params, std::move(options));
  return {.name = "coop_flow",
          .batch = batch,
          .row_shapes = {{dim}, {dim}},
          .loss = contrastive_loss(energy, regulariser),
          .feed = [=](auto t, auto in, StepLog& log) { method->feed(t, in, log); },
          .after = [=](auto t, auto in, StepLog& log) { method->after(t, in, log); },
          .archive = [=](ad::Archive& a) { method->archive(a); },
          .chains = NegativeChains{.steps = steps,
                                   .starts = [=] { return method->starts(); },
                                   .run =
                                       [=](ad::ConstView x0, const mcmc::RunOptions& run) {
                                         return method->run(x0, run);
                                       }}};
}

}  // namespace eqp::train
