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
#include <map>

#include "autodiff/safetensors.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/ebm.hpp"
#include "experiments/common/events.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/figure.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/robustness.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/warn.hpp"
#include "mcmc/diagnostics.hpp"
#include "mcmc/run.hpp"
#include "train/data/selection.hpp"
#include "train/data/standardise.hpp"
#include "train/data/table.hpp"

namespace eqp {
namespace {

using FlowMc = mcmc::Alternate<mcmc::Isir, mcmc::Mala>;

// The largest mean square of a coordinate: what a Gaussian tilt around 0 must cover.
double largest_mean_square(ad::ConstView x) {
  double top = 0;
  for (std::size_t j = 0; j < x.cols(); ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < x.rows(); ++i) sum += double(x(i, j)) * x(i, j);
    top = std::max(top, sum / double(x.rows()));
  }
  return top;
}

// Fraction of the rows of x whose nearest training row has each label.
Table nearest_labels(const train::Table& data, ad::ConstView x) {
  Table table("Classes, by the label of the nearest training point");
  std::map<double, std::pair<double, double>> share;  // label -> data, samples
  for (const double label : data.labels) share[label].first += 1 / double(data.labels.size());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    share[data.labels[train::nearest_row(data.values, x.row(i))]].second += 1 / double(x.rows());
  }
  for (const auto& [label, fractions] : share) {
    const double p = fractions.first;
    table.add({{"class", label},
               {"data", p},
               {"samples", fractions.second},
               {"standard_error", std::sqrt(p * (1 - p) / double(x.rows()))}});
  }
  return table;
}

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

void run(Cli& cli) {
  const Range size{.min = 1, .max = 1e6}, width{.min = 1, .max = 65536};
  const auto file =
      cli.get("data", "", "numeric .csv, .csv.gz, .npy or idx (MNIST) file, a point per row");
  const auto label = cli.get("label", "",
                             "column with a class label: a name, a number from 0, or last; of an "
                             "idx file, the file with the labels");
  const auto classes =
      cli.get("classes", std::vector<double>{}, "keep rows with these labels only; none: all");
  const auto proportions = cli.get("proportions", std::vector<double>{},
                                   "of the classes kept, by thinning those in excess; none: as is");
  const bool standard =
      cli.flag("standardise", "train on columns of variance 1 (they always get mean 0)");
  const auto jitter = cli.get("jitter", 0.0, "standard deviation of normal noise on every batch",
                              {.min = 0, .unit = "of the data as trained on"});
  const bool as_images = cli.flag("images", "show points as square grey images");
  const auto method = cli.choice("method", "adaptive_flow", method_names(), "training method");
  const auto updates =
      cli.get("updates", cli.quick() ? 40u : 3000u, "steps of the optimiser", size);
  const auto batch = cli.get<std::size_t>("batch", 128, "points per update", size);
  const auto rate =
      cli.get("learning-rate", 5e-4, "of energy and flow at first; a hundredth at last",
              {.max = 1, .above = 0});
  const auto hidden =
      cli.get("hidden", std::vector<std::size_t>{64, 64}, "widths of the energy's layers", width);
  const auto blocks =
      cli.get<std::size_t>("flow-blocks", 4, "pairs of couplings", {.min = 1, .max = 100});
  const auto flow_hidden =
      cli.get("flow-hidden", std::vector<std::size_t>{64}, "widths of a coupling's layers", width);
  const auto particles = cli.get<std::size_t>("particles", 64, "of i-SIR, current state included",
                                              {.min = 2, .max = 1e5});
  const auto local_steps =
      cli.get("local-steps", 8u, "MALA steps per i-SIR step", {.min = 1, .max = 1e5});
  const auto langevin = cli.get("langevin-step", 0.01, "step size of cd, pcd and coop_flow",
                                {.above = 0, .unit = "of the data as trained on, squared"});
  const auto sigma = cli.get("sigma", std::vector<double>{0.1}, "noise levels of dsm",
                             {.above = 0, .unit = "of the data as trained on"});
  const Robustness robustness(cli);
  const auto chains =
      cli.get<std::size_t>("chains", cli.quick() ? 32 : 256, "chains that sample", size);
  const auto draws = cli.get("draws", cli.quick() ? 20u : 500u, "recorded steps per chain",
                             {.min = 4, .max = 1e6});
  cli.done();
  if (file.empty()) throw std::invalid_argument("--data: need a file");
  if (classes.empty() && !proportions.empty()) {
    throw std::invalid_argument("--proportions: need --classes");
  }

  // Data
  train::Table data = train::read_table(file, {.label = label});
  if (!classes.empty()) data = train::select_classes(data, classes, proportions, {cli.seed(), 1});
  const std::size_t n = data.values.rows(), dim = data.values.cols();
  if (dim < 2) throw std::invalid_argument(file + ": 1 column; need at least 2");
  const auto side = std::size_t(std::lround(std::sqrt(double(dim))));
  if (as_images && (side * side != dim || std::min(n, chains) < 10)) {
    throw std::invalid_argument("--images: " + std::to_string(dim) + " columns, " +
                                std::to_string(std::min(n, chains)) +
                                " points; need a square number and at least 10");
  }
  train::Standardisation scale = train::standardisation(data.values);
  if (scale.constant.size() == dim)
    throw std::invalid_argument(file + ": all columns are constant");
  if (!standard) std::ranges::fill(scale.sd, 1.0);
  ad::Tensor scaled = data.values;
  scale.apply(scaled);

  // Model
  const ad::Key key{cli.seed()};
  const double base_variance = largest_mean_square(scaled) + jitter * jitter;
  const train::Rows points(std::move(scaled));
  Ebm ebm({.dim = dim,
           .hidden = hidden,
           .base_variance = base_variance,
           .flow = {.blocks = blocks, .hidden = flow_hidden, .form = flows::CouplingForm::plain}},
          key.fork(0));
  MethodSettings settings{.batch = batch,
                          .steps = updates,
                          .learning_rate = rate,
                          .final_learning_rate = rate / 100,
                          .jitter = jitter,
                          .langevin_step = langevin,
                          .bound = 7 * std::sqrt(base_variance),
                          .regulariser = method == "pcd" ? 1e-4 : 0,
                          .pretraining_rate = rate,
                          .sigmas = sigma,
                          .particles = particles,
                          .local_steps = local_steps,
                          .cycles = 1,
                          .flow_learning_rate = rate,
                          .final_flow_learning_rate = rate / 100};
  robustness.apply(settings);
  const train::Objective objective = make_objective(method, ebm, points, settings, key.fork(1));

  RunFolder folder(cli);
  const std::string name = std::filesystem::path(file).filename().string();
  Report report("An energy model of " + name, std::to_string(n) + " points in " +
                                                  std::to_string(dim) + " dimensions, trained by " +
                                                  method + ".");
  if (!scale.constant.empty()) {
    report.warning(std::to_string(scale.constant.size()) + " of " + std::to_string(dim) +
                   " columns are constant" + (jitter > 0 ? "." : ": give them width by --jitter."));
  }

  // Train
  Events events;
  {
    Progress progress({.quiet = cli.quiet()});
    auto training = progress.start(method, updates);
    Checkpoint checkpoint(folder, "training", 0, [&](ad::Archive& a) { a("events", events); });
    const auto on_step = [&](std::uint32_t step, const train::StepLog& log) {
      events.add(log);
      training.update({step, log.loss, log.acceptance});
      if (step == 1) {
        folder.block("update", log.block);
        folder.block("training chains", log.chain_block);
      }
      if (step % 50 == 0 || step == updates) {
        folder.log(0, {{"step", step},
                       {"loss", log.loss},
                       {"gradient_norm", log.gradient_norm},
                       {"acceptance", log.acceptance},
                       {"global_moves", log.global_moves},
                       {"weight_ess", log.weight_ess},
                       {"flow_loss", log.flow_loss},
                       {"pace", log.pace * log.energy_pace},
                       {"chain_ess", log.chain_ess},
                       {"log_z", log.log_z}});
      }
      return true;
    };
    fit(ebm, objective, settings, on_step, &checkpoint);
  }
  events.tell("training", folder, report);
  ad::Params scaling;  // data = mean + sd * (data as trained on)
  fill(scaling, "mean", scale.mean);
  fill(scaling, "sd", scale.sd);
  fill(scaling, "base_variance", {base_variance});
  const auto save = [&](const std::string& model, const ad::Params& params) {
    folder.file(model + ".safetensors",
                [&](const auto& path) { ad::save_safetensors(path, params); });
  };
  save("energy", ebm.params);
  save("flow", ebm.flow_params);
  save("scaling", scaling);
  if (interrupted()) return folder.finish(std::move(report), {});

  // Sample: chains from the flow, global moves by the flow, local moves by MALA
  const mcmc::Energy energy = model_energy(method, ebm);
  const FlowMc kernel(mcmc::Isir(energy, mcmc::from_flow(ebm.flow), {.particles = particles}),
                      mcmc::Mala(energy, dim, {.step_size = 0.01}), {.local_steps = local_steps});
  const auto from_flow = [&](std::span<const ad::Var> in) -> ad::Vars {
    return {ebm.flow.sample(in[0]).x};
  };
  const ad::Tensor start = ad::evaluate(from_flow, {ad::normal({chains, dim}, key.fork(2))})[0];
  Checkpoint sampling(folder, "sampling", 0);
  mcmc::RunResult result = mcmc::run(kernel, start,
                                     {.steps = draws,
                                      .warmup = draws / 2,
                                      .key = key.fork(3),
                                      .target_accept = 0.65,
                                      .stop = interrupted,
                                      .keeper = &sampling});
  folder.block("sampling chains", result.block);
  warn(report, "sampling",
       mcmc::warnings(result.facts, {}, {.target_accept = "", .warmup = "", .steps = "--draws"}));
  scale.invert(result.last);
  folder.samples("samples", result.last);

  // Report
  const std::size_t recorded = result.draws.shape()[1];
  const double rhat = recorded >= 4 ? mcmc::max_rhat(result.draws.view()) : std::nan("");
  Table table("Sampling");
  table.add({{"dataset", name},
             {"method", method},
             {"updates", updates},
             {"chains", chains},
             {"draws", recorded},
             {"max_rhat", rhat},
             {"acceptance", result.counts.rate()},
             {"global_moves", result.global.rate()},
             {"step_size", result.step_size},
             {"seconds", folder.seconds()}});
  std::cout << table.text() << "\n";
  std::vector<Row> rows = table.rows();
  report.verdict(rhat < 1.01  ? Level::good
                 : rhat < 1.1 ? Level::warn
                              : Level::bad,
                 "The largest R-hat over coordinates is " + shown(rhat) +
                     (rhat < 1.1 ? "." : ": the chains disagree; train longer or sample longer."));
  report.table(table);
  if (!data.labels.empty()) {
    const Table shares = nearest_labels(data, result.last);
    std::cout << shares.text() << "\n";
    report.table(shares);
    rows.insert(rows.end(), shares.rows().begin(), shares.rows().end());
  }
  const auto picture = folder.figure("samples");
  report.figure(draw(picture, {pictures(data.values, result.last, as_images ? side : 0)}), picture,
                "Training points and samples.");
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(argc, argv, "Trains an energy on your own data and samples it", eqp::run);
}
