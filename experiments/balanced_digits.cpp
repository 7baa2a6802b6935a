// Trains an energy by adaptive flow, PCD and DSM on three digits in proportion 6:3:1, and asks a
// classifier what long chains of each draw.
//
//   ./run balanced_digits --seeds 3
//   ./run balanced_digits --data FOLDER/train-images-idx3-ubyte.gz
//       --label FOLDER/train-labels-idx1-ubyte.gz
//
// Expect: adaptive_flow's shares of the classes within 5 percentage points, on either data set; DSM
// off by 4 to 15, and PCD with chains that have not mixed (R-hat 1.1 to 1.4). Two minutes a seed on
// one core; --quick takes some seconds and proves nothing.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <optional>

#include "autodiff/ranks.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/class_judge.hpp"
#include "experiments/common/ebm.hpp"
#include "experiments/common/events.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/findings.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/judge.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/robustness.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/step_log.hpp"
#include "experiments/common/stopwatch.hpp"
#include "mcmc/diagnostics.hpp"
#include "train/metrics/likelihood.hpp"

namespace eqp {
namespace {

const std::vector<std::string> kMethods{"adaptive_flow", "pcd", "dsm"};

struct Settings {
  EbmOptions model;
  MethodSettings training;
  std::size_t chains = 0;                        // that draw from a model
  std::uint32_t cycles = 0, langevin_steps = 0;  // of adaptive_flow's chains, of the others'
  train::LogZOptions log_z;
};

struct Outcome {
  std::string failure;
  Events events;
  Row row;
  ad::Tensor samples;  // (chains, k)
};

// Chains of the model from a broad start, with everything frozen: adaptive_flow's as they were in
// training, of the others what a user would run.
mcmc::RunResult sample(const std::string& method, const train::Objective& objective,
                       const mcmc::Energy& energy, const Settings& s, ad::Key key,
                       ad::Keeper* keeper) {
  ad::Tensor start = ad::normal({s.chains, s.model.dim}, key.fork(0));
  for (Real& v : start.flat()) v *= Real(1.5 * std::sqrt(s.model.base_variance));
  mcmc::RunOptions run{.key = key.fork(1), .stop = interrupted, .keeper = keeper};
  if (method == "adaptive_flow") {
    run.steps = run.warmup = s.cycles;
    return objective.chains->run(start, run);
  }
  run.steps = run.warmup = s.langevin_steps / 2;
  run.thin = std::max(1u, run.steps / 100);
  run.target_accept = 0.574;
  return mcmc::run(mcmc::Mala(energy, s.model.dim, {.step_size = 0.01}), start, run);
}

// Of the test images. The flow that has followed the model is a base close to it.
Row likelihood(const std::string& method, const Ebm& ebm, const ClassJudge& judge,
               ad::ConstView samples, const Settings& s, ad::Key key) {
  train::LogZOptions options = s.log_z;
  options.annealing.key = key;
  const std::size_t n = std::min(samples.rows(), options.annealing.particles);
  const auto log_z =
      train::bracket_log_z(ebm.energy, annealing_base(method, ebm), options, samples.slice(0, n));
  const train::Likelihood l = train::likelihood(ebm.energy, log_z, judge.images().test);
  return {{"nats", l.nats},
          {"nats_low", l.low},
          {"nats_high", l.high},
          {"nats_se", l.standard_error},
          {"bits_per_dim", l.bits_per_dim(s.model.dim)}};
}

void train_and_judge(const ClassJudge& judge, const std::string& task, const std::string& method,
                     const Settings& s, std::size_t group, ad::Key key, RunFolder& folder,
                     Progress& progress, Outcome& out) {
  Stopwatch watch;
  Ebm ebm(s.model, key.fork(0));
  const train::Objective objective =
      make_objective(method, ebm, judge.images().train, s.training, key.fork(1));
  std::vector<double> moves;  // global ones, by step
  Checkpoint checkpoint(folder, task, group, [&](ad::Archive& a) {
    a("watch", watch);
    a("moves", moves);
    a("events", out.events);
  });
  {
    auto training = progress.start(task, s.training.steps);
    const auto on_step = [&](std::uint32_t step, const train::StepLog& log) {
      training.update({step, log.loss, log.acceptance});
      out.events.add(log);
      if (step == 1) log_blocks(folder, task, log);
      moves.resize(step - 1);  // shorter after going back
      moves.push_back(log.global_moves);
      if (step % 50 == 0 || step == s.training.steps) {
        Row row{{"task", task}, {"step", step}};
        row.update(metrics(log));
        folder.log(group, row);
      }
      return true;
    };
    fit(ebm, objective, s.training, on_step, &checkpoint);
  }
  const double seconds = watch.seconds();
  if (interrupted()) return;

  Checkpoint sampling(folder, task + "/sampling", group);
  mcmc::RunResult chains = sample(method, objective, ebm.energy, s, key.fork(2), &sampling);
  if (interrupted()) return;
  out.row = {{"method", method}};
  out.row.update(judge.votes(chains.last));
  out.row["r_hat"] = mcmc::max_rhat(chains.draws.view());
  const std::span late = std::span(moves).last((moves.size() + 1) / 2);
  out.row["global_moves"] = std::accumulate(late.begin(), late.end(), 0.0) / double(late.size());
  out.row.update(likelihood(method, ebm, judge, chains.last, s, key.fork(3)));
  out.row["seconds"] = seconds;
  out.samples = std::move(chains.last);
}

// The rows of a method's models, one of each seed.
std::vector<Row> of_method(std::span<const Outcome> outcomes, const std::string& method) {
  std::vector<Row> rows;
  for (const Outcome& out : outcomes) {
    if (!out.row.empty() && out.row.at("method") == method) rows.push_back(out.row);
  }
  return rows;
}

Settings settings(Cli& cli, const LabelledImagesOptions& images) {
  const Range count{.min = 1, .max = 1e6}, width{.min = 1, .max = 65536};
  const bool quick = cli.quick();
  const double variance = 1 + images.jitter * images.jitter;
  const auto rate = cli.get("learning-rate", 1e-3, "of energy and flow; a hundredth at last",
                            {.max = 1, .above = 0});
  Settings s;
  s.model = {
      .dim = images.components,
      .hidden = cli.get("hidden", std::vector<std::size_t>{128, 128}, "of the energy", width),
      .base_variance = variance,
      .flow = {.blocks = cli.get<std::size_t>("flow-blocks", 6, "pairs of couplings", count),
               .hidden =
                   cli.get("flow-hidden", std::vector<std::size_t>{64, 64}, "of a coupling", width),
               .form = flows::CouplingForm::plain,
               .networks = flows::Networks::one}};
  s.training = {
      .batch = cli.get<std::size_t>("batch", 128, "images per update", count),
      .steps = cli.get("updates", quick ? 30u : 2000u, "of the energy", count),
      .learning_rate = rate,
      .final_learning_rate = rate / 100,
      .jitter = images.jitter,
      .langevin_steps = 20,
      .langevin_step = 0.02,
      .bound = 7 * std::sqrt(variance),
      .sigmas = cli.get("sigma", std::vector<double>{0.5}, "noise levels of dsm", {.above = 0}),
      .particles = cli.get<std::size_t>("particles", 32, "of i-SIR", {.min = 2, .max = 1e5}),
      .local_steps = cli.get("local-steps", 4u, "MALA steps per i-SIR step", count),
      .cycles = 1,
      .flow_learning_rate = rate,
      .final_flow_learning_rate = rate / 100};
  Robustness(cli).apply(s.training);
  s.chains = cli.get<std::size_t>("chains", quick ? 64 : 1000, "that draw from a model",
                                  {.min = 16, .max = 1e6});
  s.cycles = cli.get("cycles", quick ? 4u : 40u, "of adaptive_flow's chains, after as many others",
                     {.min = 4, .max = 1e6});
  s.langevin_steps =
      cli.get("langevin-steps", quick ? 100u : 5000u,
              "MALA steps of the others' chains, half of them warm-up", {.min = 8, .max = 1e6});
  s.log_z.annealing = {.temperatures = quick ? std::size_t(4) : 100,
                       .particles = quick ? std::size_t(32) : 256};
  return s;
}

void run(Cli& cli) {
  const auto file = cli.get("data", "experiments/data/digits.csv.gz",
                            "square images, one per row: .csv, .csv.gz, .npy or idx (MNIST)");
  const auto label = cli.get("label", "last",
                             "column of the class: a name, a number from 0, or last; of an idx "
                             "file, the file with the labels");
  LabelledImagesOptions selection{
      .classes = cli.get("classes", std::vector<double>{0, 4, 7}, "labels to keep"),
      .proportions = cli.get("proportions", std::vector<double>{6, 3, 1}, "of them", {.above = 0}),
      .components = cli.get<std::size_t>("components", 16, "principal ones to keep", {.min = 2}),
      .jitter = cli.get("jitter", 0.3, "normal noise on every batch",
                        {.min = 0, .unit = "of whitened data"})};
  std::vector<std::string> choices{"all"};
  choices.insert(choices.end(), kMethods.begin(), kMethods.end());
  const auto method = cli.choice("method", "all", choices, "training method");
  const auto seeds = cli.get<std::size_t>(
      "seeds", 1, "runs, of the seeds from --seed on, each with its own images",
      {.min = 1, .max = 100});
  const Settings s = settings(cli, selection);
  cli.done();
  const train::Table data = train::read_table(file, {.label = label});
  RunFolder folder(cli);

  // A seed alone gives what it gives among others.
  std::vector<std::optional<ClassJudge>> judges(seeds);
  ad::for_each_job(seeds, [&](std::size_t i) {
    const ad::Key key{cli.seed() + i};
    LabelledImagesOptions own = selection;
    own.key = key.fork(0);
    judges[i].emplace(
        data, own,
        train::ClassifierOptions{
            .steps = cli.quick() ? 200u : 3000u, .jitter = selection.jitter, .key = key.fork(1)});
  });
  const std::vector<std::string> methods =
      method == "all" ? kMethods : std::vector<std::string>{method};
  Progress progress({.total = seeds * methods.size(), .quiet = cli.quiet()});
  std::vector<Outcome> outcomes(seeds * methods.size());
  ad::for_each_job(outcomes.size(), [&](std::size_t k) {
    if (interrupted()) return;
    const std::uint64_t seed = cli.seed() + k / methods.size();
    const std::string& name = methods[k % methods.size()];
    const auto number = std::uint32_t(std::ranges::find(kMethods, name) - kMethods.begin());
    const std::string task = name + "/" + std::to_string(seed);
    try {
      train_and_judge(*judges[k / methods.size()], task, name, s, k,
                      ad::Key{seed}.fork(10 + number), folder, progress, outcomes[k]);
    } catch (const std::runtime_error& e) {  // one that diverges must not end the others
      outcomes[k].failure = task + " stopped at " + e.what();
    }
  });

  const ClassJudge& judge = *judges.front();
  const LabelledImages& images = judge.images();
  Report report(
      "Digits in proportion",
      "One energy on whitened principal components of images of three classes is trained by "
      "several methods. Long chains of each from a broad start, with everything frozen, draw "
      "samples, and a classifier that was fitted to other images tells their classes.");
  if (interrupted()) return folder.finish(std::move(report), {});
  Table table(std::to_string(images.train.rows()) + " images in " + std::to_string(s.model.dim) +
              " dimensions");
  Row exact{{"method", "test images"}};
  exact.update(judge.votes(images.test));
  table.add(exact);
  std::vector<Row> rows{exact};
  std::vector<Finding> verdicts;
  std::vector<PanelPtr> panels{judge.pictures("data", images.train)};
  for (std::size_t k = 0; k < outcomes.size(); ++k) {
    const std::string seed = std::to_string(cli.seed() + k / methods.size());
    if (!outcomes[k].failure.empty()) {
      verdicts.push_back({Level::bad, outcomes[k].failure});
      rows.push_back({{"method", methods[k % methods.size()]}, {"failure", outcomes[k].failure}});
    }
    outcomes[k].events.tell(methods[k % methods.size()] + "_" + seed, folder, report);
  }
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const std::vector<Row> done = of_method(outcomes, methods[m]);
    if (done.empty()) continue;
    rows.insert(rows.end(), done.begin(), done.end());
    Row row{{"method", methods[m]}};
    row.update(median_of(done));
    table.add(row);
    const std::string seeds_of =
        done.size() > 1 ? " (median of " + std::to_string(done.size()) + " seeds)" : "";
    verdicts.push_back(judge_shares(methods[m] + seeds_of, "share of a class",
                                    row.at("points_off").get<double>(), 5,
                                    row.at("r_hat").get<double>()));
    if (!outcomes[m].failure.empty()) continue;
    panels.push_back(judge.pictures(methods[m], train::Rows(outcomes[m].samples)));
    folder.samples("samples_" + methods[m], images.pca.reconstruct_whitened(outcomes[m].samples));
  }
  for (const auto& [level, text] : verdicts) {
    report.verdict(level, text);
    std::cout << text << "\n";
  }
  std::cout << judge.accuracy() << "\n" << table.text() << "\n";
  report.paragraph(judge.accuracy());
  report.table(table);
  const auto picture = folder.figure("samples");
  report.figure(draw(picture, {{"", panels}}), picture,
                "Images of the training set and samples, as far as the components go.");
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(
      argc, argv, "Trains energies of digits and asks a classifier for their class proportions",
      eqp::run);
}
