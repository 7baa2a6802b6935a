#pragma once

#include <memory>
#include <numeric>

#include "mcmc/chains.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/targets/target.hpp"
#include "mcmc/tempering.hpp"
#include "train/contrastive.hpp"

namespace eqp::train {

struct TemperedPcdOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;  // rows, and persistent chains
  std::vector<double> betas = mcmc::geometric_ladder(0.1, 5);
  mcmc::Proposal base = {};       // see mcmc::ParallelTempering
  std::uint32_t steps = 1;        // of the ladder per update: twice local moves and swaps
  std::uint32_t local_steps = 5;  // MALA steps before each round of swaps
  double step_size = 0.01;        // of MALA at beta = 1, at first; 1 / beta times as much elsewhere
  double target_accept = 0.75;
  double largest_step = 0;  // cap of the step sizes; 0: none
  double regulariser = 0;   // see contrastive_loss
  ad::Key key;
};

/// Persistent contrastive divergence with tempered chains (Desjardins, Courville, Bengio, Vincent &
/// Delalleau 2010; Cho, Raiko & Ilin 2010): every negative is the coldest of a ladder of replicas
/// that swap, so that chains reach modes they would not walk to. Only those at beta = 1 enter the
/// loss. Local moves are MALA, exact at any step size, which adapts for each temperature after
/// every update. The ladder adapts after 10, 30, 70, ... updates, every interval twice the one
/// before (mcmc::LadderAdapter). `start` is where the chains begin; a base with beta = 0 at the end
/// of the ladder brings fresh points from anywhere. Throws std::invalid_argument as
/// ParallelTempering does.
inline Objective tempered_pcd(mcmc::Energy energy, DataSource data, mcmc::Sampler start,
                              const TemperedPcdOptions& o) {
  using Kernel = mcmc::ParallelTempering<mcmc::Mala>;
  struct Ladder {
    Kernel kernel;
    mcmc::StepSizeAdapter adapter;
    mcmc::Chains<Kernel> chains;
    void archive(ad::Archive& a) {
      a("kernel", kernel);
      a("chains", chains);
    }
  };
  if (o.batch == 0) throw std::invalid_argument("tempered_pcd: batch 0: need at least 1");
  const auto local = [=](const mcmc::Energy& tempered, double beta) {
    const double h = o.step_size / beta;
    return mcmc::Mala(tempered, o.dim,
                      {.step_size = o.largest_step > 0 ? std::min(h, o.largest_step) : h});
  };
  Kernel kernel(energy, o.dim, local,
                {.betas = o.betas, .local_steps = o.local_steps, .base = o.base});
  ad::Tensor x0({o.batch, o.dim});
  start(x0, o.key.fork(0), 0);
  mcmc::Chains<Kernel> chains(kernel, x0);
  const auto s = std::make_shared<Ladder>(
      Ladder{std::move(kernel), mcmc::StepSizeAdapter({o.target_accept, o.largest_step}),
             std::move(chains)});
  return {
      .name = "tempered_pcd",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {o.dim}},
      .loss = contrastive_loss(energy, o.regulariser),
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
            data(t, in[0]);
            s->chains.refresh(s->kernel);  // the energy has moved
            s->chains.reset_counts();
            s->chains.advance(s->kernel, t * o.steps, o.steps, o.key.fork(1));
            std::ranges::copy(s->chains.positions().flat(), in[1].data);
            log.chain_block = s->chains.block();
            log.acceptance = s->chains.counts().rate();
            const std::vector<double> swaps = s->kernel.report(s->chains.states()).swap_rates;
            log.global_moves =
                std::accumulate(swaps.begin(), swaps.end(), 0.0) / double(swaps.size());
            s->kernel.adapt(s->chains.states(), s->adapter);
            s->kernel.adapt_ladder(s->chains.states());
          },
      .archive = [=](ad::Archive& a) { a("ladder", *s); },
  };
}

}  // namespace eqp::train
