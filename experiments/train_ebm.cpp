// Trains an energy on your own numeric file, of two or more dimensions, and draws new samples.
//
//   ./run train_ebm --data experiments/data/digits.csv.gz --label last
//       --classes 3,8 --proportions 3,1 --standardise --jitter 0.5 --images
//
// Expect: on these digits R-hat below 1.01, and three quarters of the samples nearest to a 3; about
// a minute on two cores.
// CI: --data experiments/data/digits.csv.gz --label last --classes 3,8 --standardise --images
#include <algorithm>
#include <cmath>
#include <iostream>

#include "autodiff/safetensors.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/ebm.hpp"
#include "experiments/common/events.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/figure.hpp"
#include "experiments/common/findings.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/own_data.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/robustness.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/step_log.hpp"
#include "experiments/common/stopwatch.hpp"
#include "experiments/common/warn.hpp"
#include "mcmc/diagnostics.hpp"
#include "mcmc/run.hpp"

namespace eqp {
namespace {

using FlowMc = mcmc::Alternate<mcmc::Isir, mcmc::Mala>;

// The range of a column, and a tenth beyond.
std::pair<double, double> column_range(ad::ConstView x, std::size_t j) {
  double low = x(0, j), high = low;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    low = std::min<double>(low, x(i, j));
    high = std::max<double>(high, x(i, j));
  }
  const double margin = low == high ? 1 : 0.1 * (high - low);
  return {low - margin, high + margin};
}

// Of a square image with so many pixels, if there is one.
std::size_t side(std::size_t pixels) { return std::size_t(std::lround(std::sqrt(double(pixels)))); }

// Points beside samples: as images, or in the plane of the first two columns.
PanelRow pictures(ad::ConstView data, ad::ConstView samples, std::size_t side) {
  if (side > 0) {
    const std::size_t rows = std::min({std::size_t(6), data.rows() / 10, samples.rows() / 10});
    const ImageGrid grid{side, side, rows, 10};
    return {"", {images("data", data, grid), images("samples", samples, grid)}};
  }
  const auto [x0, x1] = column_range(data, 0);
  const auto [y0, y1] = column_range(data, 1);
  const train::Box box{x0, x1, y0, y1};
  return {"", {scatter("data", box, data), scatter("samples", box, samples)}};
}

void fill(ad::Params& params, const std::string& name, const std::vector<double>& values) {
  params.add(name, {values.size()}, [&](std::span<Real> out) {
    std::ranges::transform(values, out.begin(), [](double v) { return Real(v); });
  });
}

// What the command line asks for.
struct Settings {
  OwnDataOptions data;
  std::string method;
  bool images = false;
  EbmOptions model;
  MethodSettings training;
  std::size_t chains = 0;   // that sample
  std::uint32_t draws = 0;  // of each
};

Settings settings(Cli& cli) {
  const Range size{.min = 1, .max = 1e6}, width{.min = 1, .max = 65536};
  const bool quick = cli.quick();
  Settings s;
  s.data = own_data_options(cli);
  s.training.jitter = cli.get("jitter", 0.0, "standard deviation of normal noise on every batch",
                              {.min = 0, .unit = "of the data as trained on"});
  s.images = cli.flag("images", "show points as square grey images");
  s.method = cli.choice("method", "adaptive_flow", method_names(), "training method");
  s.training.steps = cli.get("updates", quick ? 40u : 3000u, "steps of the optimiser", size);
  s.training.batch = cli.get<std::size_t>("batch", 128, "points per update", size);
  const auto rate =
      cli.get("learning-rate", 5e-4, "of energy and flow at first; a hundredth at last",
              {.max = 1, .above = 0});
  s.training.learning_rate = s.training.flow_learning_rate = s.training.pretraining_rate = rate;
  s.training.final_learning_rate = s.training.final_flow_learning_rate = rate / 100;
  s.model.hidden =
      cli.get("hidden", std::vector<std::size_t>{64, 64}, "widths of the energy's layers", width);
  s.model.flow.form = flows::CouplingForm::plain;
  s.model.flow.blocks =
      cli.get<std::size_t>("flow-blocks", 4, "pairs of couplings", {.min = 1, .max = 100});
  s.model.flow.hidden =
      cli.get("flow-hidden", std::vector<std::size_t>{64}, "widths of a coupling's layers", width);
  s.training.particles = cli.get<std::size_t>("particles", 64, "of i-SIR, current state included",
                                              {.min = 2, .max = 1e5});
  s.training.cycles = 1;
  s.training.local_steps =
      cli.get("local-steps", 8u, "MALA steps per i-SIR step", {.min = 1, .max = 1e5});
  s.training.langevin_step = cli.get("langevin-step", 0.01, "step size of cd, pcd and coop_flow",
                                     {.above = 0, .unit = "of the data as trained on, squared"});
  s.training.sigmas = cli.get("sigma", std::vector<double>{0.1}, "noise levels of dsm",
                              {.above = 0, .unit = "of the data as trained on"});
  s.training.regulariser = s.method == "pcd" ? 1e-4 : 0;
  if (quick) s.training.pretraining = 20;
  Robustness(cli).apply(s.training);
  s.chains = cli.get<std::size_t>("chains", quick ? 32 : 256, "chains that sample", size);
  s.draws =
      cli.get("draws", quick ? 20u : 500u, "recorded steps per chain", {.min = 4, .max = 1e6});
  cli.done();
  return s;
}

void train_energy(const Settings& s, Ebm& ebm, const train::Objective& objective, Stopwatch& watch,
                  Events& events, RunFolder& folder, bool quiet) {
  Progress progress({.quiet = quiet});
  auto training = progress.start(s.method, s.training.steps);
  Checkpoint checkpoint(folder, "training", 0, [&](ad::Archive& a) {
    a("watch", watch);
    a("events", events);
  });
  const auto on_step = [&](std::uint32_t step, const train::StepLog& log) {
    events.add(log);
    training.update({step, log.loss, log.acceptance});
    if (step == 1) log_blocks(folder, "training", log);
    if (step % 50 == 0 || step == s.training.steps) {
      Row row{{"step", step}};
      row.update(metrics(log));
      folder.log(0, row);
    }
    return true;
  };
  fit(ebm, objective, s.training, on_step, &checkpoint);
}

void save(const RunFolder& folder, const Settings& s, const Ebm& ebm, const OwnData& data) {
  ad::Params scaling;  // with it the energy can be used on points as in the file
  fill(scaling, "mean", data.scale.mean);
  fill(scaling, "sd", data.scale.sd);
  fill(scaling, "base_variance", {s.model.base_variance});
  const auto save_as = [&](const std::string& name, const ad::Params& params) {
    folder.file(name + ".safetensors",
                [&](const auto& path) { ad::save_safetensors(path, params); });
  };
  save_as("energy", ebm.params);
  save_as("flow", ebm.flow_params);
  save_as("scaling", scaling);
}

// Chains that begin at draws of the flow, jump by i-SIR from it and move by MALA.
mcmc::RunResult sample(const Settings& s, const Ebm& ebm, ad::Key start_key, ad::Key key,
                       ad::Keeper* keeper) {
  const mcmc::Energy energy = model_energy(s.method, ebm);
  const FlowMc kernel(
      mcmc::Isir(energy, mcmc::from_flow(ebm.flow), {.particles = s.training.particles}),
      mcmc::Mala(energy, s.model.dim, {.step_size = 0.01}),
      {.local_steps = s.training.local_steps});
  const auto from_flow = [&](std::span<const ad::Var> in) -> ad::Vars {
    return {ebm.flow.sample(in[0]).x};
  };
  const ad::Tensor start =
      ad::evaluate(from_flow, {ad::normal({s.chains, s.model.dim}, start_key)})[0];
  return mcmc::run(kernel, start,
                   {.steps = s.draws,
                    .warmup = s.draws / 2,
                    .key = key,
                    .target_accept = 0.65,
                    .stop = interrupted,
                    .keeper = keeper});
}

Finding verdict(double rhat) {
  return {rhat < 1.01  ? Level::good
          : rhat < 1.1 ? Level::warn
                       : Level::bad,
          "The largest R-hat over coordinates is " + shown(rhat) +
              (rhat < 1.1 ? "." : ": the chains disagree; train longer or sample longer.")};
}

void run(Cli& cli) {
  Settings s = settings(cli);
  const OwnData data = own_data(s.data, {cli.seed(), 1});
  const std::size_t n = data.points.rows(), dim = data.points.cols();
  if (s.images && (side(dim) * side(dim) != dim || std::min(n, s.chains) < 10)) {
    throw std::invalid_argument("--images: " + std::to_string(dim) + " columns, " +
                                std::to_string(std::min(n, s.chains)) +
                                " points; need a square number and at least 10");
  }
  s.model.dim = dim;
  s.model.base_variance = largest_mean_square(data.points) + s.training.jitter * s.training.jitter;
  s.training.bound = 7 * std::sqrt(s.model.base_variance);
  const ad::Key key{cli.seed()};
  Stopwatch watch;
  Ebm ebm(s.model, key.fork(0));
  const train::Objective objective =
      make_objective(s.method, ebm, data.points, s.training, key.fork(1));

  RunFolder folder(cli);
  const std::string name = std::filesystem::path(s.data.file).filename().string();
  Report report("An energy model of " + name, std::to_string(n) + " points in " +
                                                  std::to_string(dim) + " dimensions, trained by " +
                                                  s.method + ".");
  if (const std::size_t constant = data.scale.constant.size(); constant > 0) {
    report.warning(std::to_string(constant) + " of " + std::to_string(dim) +
                   " columns are constant" +
                   (s.training.jitter > 0 ? "." : ": give them width by --jitter."));
  }

  Events events;
  try {
    train_energy(s, ebm, objective, watch, events, folder, cli.quiet());
  } catch (...) {
    events.tell("training", folder, report);
    throw;
  }
  const double seconds = watch.seconds();
  events.tell("training", folder, report);
  save(folder, s, ebm, data);
  if (interrupted()) return folder.finish(std::move(report), {});

  Checkpoint sampling(folder, "sampling", 0);
  mcmc::RunResult result = sample(s, ebm, key.fork(2), key.fork(3), &sampling);
  folder.block("sampling chains", result.block);
  warn(report, "sampling",
       mcmc::warnings(result.facts, {}, {.target_accept = "", .warmup = "", .steps = "--draws"}));
  data.scale.invert(result.last);
  folder.samples("samples", result.last);

  const std::size_t recorded = result.draws.shape()[1];
  const double rhat = recorded >= 4 ? mcmc::max_rhat(result.draws.view()) : std::nan("");
  Table table("Training and sampling");
  table.add({{"dataset", name},
             {"method", s.method},
             {"updates", s.training.steps},
             {"chains", s.chains},
             {"draws", recorded},
             {"max_rhat", rhat},
             {"acceptance", result.counts.rate()},
             {"global_moves", result.global.rate()},
             {"step_size", result.step_size},
             {"training_seconds", seconds}});
  std::cout << table.text() << "\n";
  std::vector<Row> rows = table.rows();
  const auto [level, text] = verdict(rhat);
  report.verdict(level, text);
  report.table(table);
  if (!data.table.labels.empty()) {
    const Table shares = nearest_labels(data.table, result.last);
    std::cout << shares.text() << "\n";
    report.table(shares);
    rows.insert(rows.end(), shares.rows().begin(), shares.rows().end());
  }
  const auto picture = folder.figure("samples");
  report.figure(draw(picture, {pictures(data.table.values, result.last, s.images ? side(dim) : 0)}),
                picture, "Training points and samples.");
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(argc, argv, "Trains an energy on your own data and samples it", eqp::run);
}
