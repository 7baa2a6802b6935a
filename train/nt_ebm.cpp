#include "train/nt_ebm.hpp"

#include "mcmc/mala.hpp"
#include "mcmc/pull_back.hpp"
#include "train/evaluate_rows.hpp"

namespace eqp::train {
namespace {

class NtEbm {
 public:
  NtEbm(const mcmc::Energy& network, DataSource data, const flows::Flow& flow,
        const NtEbmOptions& o)
      : flow_(flow),
        data_(std::move(data)),
        chains_("nt_ebm",
                mcmc::Mala(latent_energy(network, flow), flow.dim(), {.step_size = o.step_size}),
                Bank(o.bank, flow.dim(), base_sampler(flow), o.key.fork(0)),
                {.batch = o.batch,
                 .length = o.steps,
                 .negatives = o.negatives,
                 .per_chain = o.per_chain,
                 .target_accept = o.target_accept,
                 .key = o.key}),
        push_({{flow.dim()}},
              [flow](std::span<const ad::Var> z) -> ad::Vars { return {flow.forward(z[0]).y}; }) {}

  void feed(std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    data_(t, in[0]);
    chains_(t, in[1], log);
    std::ranges::copy(pushed(in[1]).flat(), in[1].data);
  }

  ad::Tensor starts() const { return pushed(chains_.bank().states()); }
  mcmc::RunResult run(ad::ConstView x0, const mcmc::RunOptions& options) const {
    return mcmc::run(mcmc::Pulled(chains_.kernel(), mcmc::transport(flow_)), x0, options);
  }

  void archive(ad::Archive& a) { chains_.archive(a); }

 private:
  // T(z), both (n, d).
  ad::Tensor pushed(ad::ConstView z) const {
    ad::Tensor x(z.shape);
    evaluate_rows(push_, z, x);
    return x;
  }

  flows::Flow flow_;
  DataSource data_;
  BankChains<mcmc::Mala> chains_;
  ad::Batched push_;
};

}  // namespace

Objective nt_ebm(mcmc::Energy network, DataSource data, flows::Flow flow,
                 const NtEbmOptions& options) {
  const std::size_t dim = flow.dim();
  auto method = std::make_shared<NtEbm>(network, std::move(data), flow, options);
  return {.name = "nt_ebm",
          .batch = options.batch,
          .row_shapes = {{dim}, {dim}},
          .loss = contrastive_loss(network, options.regulariser),
          .feed = [=](auto t, auto in, StepLog& log) { method->feed(t, in, log); },
          .archive = [=](ad::Archive& a) { method->archive(a); },
          .chains = NegativeChains{.steps = options.steps,
                                   .starts = [=] { return method->starts(); },
                                   .run =
                                       [=](ad::ConstView x0, const mcmc::RunOptions& run) {
                                         return method->run(x0, run);
                                       }}};
}

}  // namespace eqp::train
