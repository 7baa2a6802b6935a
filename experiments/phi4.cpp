// Samples the phi^4 chain, whose two modes weigh 1/2 each, from a start in one of them: which
// samplers find the other, and what does it cost them?
//
//   ./run phi4 --sites 64
//
// Expect: MALA at 1.00 and NeuTra-MALA above 0.96; i-SIR or independent MH with MALA, parallel
// tempering and importance sampling within 0.05 of 1/2; a minute on two cores, half of it for the
// flow.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "experiments/common/checkpoint.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/stopwatch.hpp"
#include "experiments/common/warn.hpp"
#include "flows/full_gaussian.hpp"
#include "flows/realnvp.hpp"
#include "mcmc/alternate.hpp"
#include "mcmc/defensive.hpp"
#include "mcmc/importance.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/mode_weights.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/pull_back.hpp"
#include "mcmc/run.hpp"
#include "mcmc/targets/phi4.hpp"
#include "mcmc/tempering.hpp"
#include "train/flow_from_chains.hpp"

namespace eqp {
namespace {

struct Settings {
  std::size_t sites, chains, batch, particles, replicas;
  std::uint32_t updates, steps, local_steps;
  double learning_rate;
  std::size_t blocks, width;
};

/// n chains that all begin at +1 or, with `both`, alternately at +1 and -1.
ad::Tensor starts(std::size_t n, std::size_t sites, bool both) {
  ad::Tensor x({n, sites});
  for (std::size_t i = 0; i < n; ++i) std::ranges::fill(x.row(i), Real(both && i % 2 ? -1 : 1));
  return x;
}

/// What one sampler found from the positive mode.
struct Result {
  std::string sampler;
  double weight = 0, error = 0;  // of the positive mode, and its standard error
  Row row;
  std::vector<mcmc::Warning> warnings = {};
};

/// steps: as --steps has them
Result judge(const std::string& sampler, const mcmc::RunResult& run, std::uint32_t steps,
             double gradients, double seconds) {
  const std::size_t middle = run.draws.shape()[2] / 2;
  const mcmc::Labels labels =
      mcmc::label(run.draws.view(), 2, [=](std::span<const Real> x) { return x[middle] > 0; });
  const mcmc::ModeWeights modes = mcmc::mode_weights(labels);
  const mcmc::Mode& positive = modes.modes[1];
  std::size_t transitions = 0;
  for (const std::size_t t : modes.transitions) transitions += t;
  mcmc::RunFacts facts = run.facts;
  facts.steps = steps;
  facts.modes = &modes;
  const mcmc::WarningFlags flags{.target_accept = "", .max_depth = "", .warmup = ""};
  return {sampler,
          positive.weight.value,
          positive.weight.mcse,
          {{"sampler", sampler},
           {"weight", positive.weight.value},
           {"standard_error", positive.weight.mcse},
           {"transitions", transitions},
           {"acceptance", run.counts.rate()},
           {"global_moves", run.global.proposed > 0 ? Row(run.global.rate()) : Row()},
           {"gradients", gradients},
           {"seconds", seconds}},
          mcmc::warnings(facts, {}, flags)};
}

void run(Cli& cli) {
  const Settings s{
      .sites = cli.get<std::size_t>("sites", cli.quick() ? 8 : 64, "of the chain", {.min = 2}),
      .chains = cli.get<std::size_t>("chains", 32, "that sample, all from +1", {.min = 1}),
      .batch = cli.get<std::size_t>("batch", cli.quick() ? 256 : 2048,
                                    "states of 64 chains per update of the flow"),
      .particles = cli.get<std::size_t>("particles", 60, "of i-SIR", {.min = 2}),
      .replicas = cli.get<std::size_t>("replicas", 10, "of parallel tempering", {.min = 2}),
      .updates = cli.get("updates", cli.quick() ? 20u : 2000u, "of the flow", {.min = 1}),
      .steps = cli.get("steps", cli.quick() ? 64u : 512u,
                       "of every sampler, after as many of warm-up", {.min = 16}),
      .local_steps = cli.get("local-steps", 25u, "MALA steps per global one", {.min = 1}),
      .learning_rate = cli.get("lr", 5e-3, "of the flow at the start of a cosine", {.above = 0}),
      .blocks =
          cli.get<std::size_t>("blocks", cli.quick() ? 2 : 5, "pairs of couplings", {.min = 1}),
      .width = cli.get<std::size_t>("width", cli.quick() ? 16 : 128, "of a coupling's hidden layer",
                                    {.min = 1})};
  cli.done();

  // Target, with its exact weight, and flow
  const mcmc::Phi4Options options{.sites = s.sites};
  const mcmc::Energy energy = mcmc::phi4_energy(options);
  const double exact = mcmc::Phi4(options).positive_weight(s.sites / 2);
  const ad::Key key{cli.seed()};
  ad::Params params;
  const auto base = std::make_shared<flows::FullGaussian>(
      flows::lattice_gaussian({.sites = s.sites, .a = options.a, .beta = options.beta}));
  const flows::Flow flow(
      base, flows::realnvp(params, "flow", s.sites, {.blocks = s.blocks, .hidden = {s.width}},
                           key.fork(0))
                .layers());
  RunFolder folder(cli);

  // Train the flow on local chains in either mode, half of them in each: it learns how the modes
  // look, and that they are there, but their weights only as far as the starts tell.
  constexpr std::size_t kTrainingChains = 64;
  const mcmc::Mala local(energy, s.sites, {.step_size = 1e-3});
  Stopwatch training_watch;
  {
    Progress progress({.quiet = cli.quiet()});
    auto training = progress.start("flow", s.updates);
    Checkpoint checkpoint(folder, "flow", 0, [&](ad::Archive& a) { a("watch", training_watch); });
    train::fit(
        params,
        train::flow_from_chains(flow, energy, local, starts(kTrainingChains, s.sites, true),
                                {.batch = s.batch, .target_accept = 0.75, .key = key.fork(1)}),
        train::adam(),
        {.steps = s.updates,
         .learning_rate = train::cosine(s.learning_rate, s.updates),
         .clip_norm = 10,
         .keeper = &checkpoint},
        [&](std::uint32_t step, const train::StepLog& log) {
          training.update({step, log.loss, log.acceptance});
          if (step % 20 == 0) {
            folder.log(0, {{"step", step}, {"loss", log.loss}, {"acceptance", log.acceptance}});
          }
          return true;
        });
  }
  const double training_seconds = training_watch.seconds();
  const double training_gradients = double(s.updates) * double(s.batch);
  if (interrupted()) return;

  // Sample
  const ad::Tensor x0 = starts(s.chains, s.sites, false);
  std::vector<Result> results;
  const auto sample = [&](const std::string& name, const auto& kernel, std::uint32_t steps,
                          double training_part) {
    if (interrupted()) return;
    Stopwatch watch;
    Checkpoint checkpoint(folder, name, 1, [&](ad::Archive& a) { a("watch", watch); });
    mcmc::RunOptions how{.steps = steps,
                         .warmup = steps,
                         .key = key.fork(2 + std::uint32_t(results.size())),
                         .target_accept = 0.75,
                         .largest_step = 1,
                         .keeper = &checkpoint};
    const mcmc::RunResult result = mcmc::run(kernel, x0, how);
    if (interrupted()) return;
    // Warm-up costs as much as what is recorded.
    const double gradients = 2 * double(result.counts.gradients + result.global.gradients);
    results.push_back(judge(name, result, s.steps, gradients + training_part * training_gradients,
                            watch.seconds() + training_part * training_seconds));
  };
  const mcmc::Proposal proposal = mcmc::from_flow(flow);
  const mcmc::Mala mala(energy, s.sites, {.step_size = 1e-3});
  const mcmc::Transport map = mcmc::transport(flow);
  const std::uint32_t cycles = std::max(8u, s.steps / (1 + s.local_steps));
  // Local samplers get the steps that an alternation makes.
  const std::uint32_t moves = cycles * (1 + s.local_steps);
  sample("MALA", mala, moves, 0);
  sample("NeuTra-MALA",
         mcmc::Pulled(mcmc::Mala(mcmc::pull_back(energy, map), s.sites, {.step_size = 1e-2}), map),
         moves, 1);
  sample("i-SIR + MALA",
         mcmc::Alternate(mcmc::Isir(energy, proposal, {.particles = s.particles}), mala,
                         {.local_steps = s.local_steps}),
         cycles, 1);
  sample(
      "IMH + MALA",
      mcmc::Alternate(mcmc::IndependentMh(energy, proposal), mala, {.local_steps = s.local_steps}),
      cycles, 1);
  const auto at_temperature = [&](const mcmc::Energy& tempered, double beta) {
    return mcmc::Mala(tempered, s.sites, {.step_size = 1e-3 / std::max(beta, 1e-2)});
  };
  sample("parallel tempering",
         mcmc::ParallelTempering<mcmc::Mala>(
             energy, s.sites, at_temperature,
             {.betas = mcmc::geometric_ladder(0.05, s.replicas), .local_steps = 5}),
         16 * s.steps, 0);
  if (interrupted()) return;
  const Stopwatch watch;
  const mcmc::ImportanceSample weighted =
      mcmc::importance_sample(energy, proposal, s.chains * s.steps, key.fork(100));
  const auto mean =
      weighted.mean([=, j = s.sites / 2](std::span<const Real> x) { return double(x[j] > 0); });
  results.push_back(
      {"importance sampling",
       mean.value,
       mean.error,
       {{"sampler", "importance sampling"},
        {"weight", mean.value},
        {"standard_error", mean.error},
        {"gradients", training_gradients},
        {"seconds", watch.seconds() + training_seconds}},
       mcmc::warnings({.pareto_k = weighted.report.pareto_k, .weights = weighted.report.draws})});

  // Report
  Report report("Two modes of the phi^4 chain",
                std::to_string(s.sites) +
                    " sites. All chains begin in the positive mode, which has the weight " +
                    shown(exact) +
                    ". Gradients and seconds are of all chains, warm-up and, where a flow takes "
                    "part, its training included.");
  Table table("Weight of the positive mode, exactly " + shown(exact));
  std::vector<Row> rows;
  for (const Result& r : results) {
    table.add(r.row);
    rows.push_back(r.row);
  }
  std::cout << table.text() << "\n";
  report.table(table);
  for (const Result& r : results) {
    const bool good = std::abs(r.weight - exact) < 0.05;
    const std::string text =
        r.sampler + (good ? " gives the positive mode " : " leaves the positive mode ") +
        shown(r.weight) + (good ? "." : ", where it has " + shown(exact) + ".");
    report.verdict(good ? Level::good : Level::bad, text);
    std::cout << text << "\n";
    warn(report, r.sampler, r.warnings);
  }
  const mcmc::ImportanceReport& w = weighted.report;
  std::cout << "Effective draws of the flow: " << shown(w.ess) << " of " << w.draws
            << "; the largest weight is " << shown(w.largest_weight) << " of all.\n";
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(argc, argv, "Which samplers find the second mode of the phi^4 chain?",
                         eqp::run);
}
