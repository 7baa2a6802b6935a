// Trains an energy on your own numeric file, of any dimension, and draws new samples from it.
//
//   ./run train_ebm --data experiments/data/digits.csv.gz --label last --classes 3,8 --proportions
//   3,1
//       --standardise --jitter 0.3
//
// Expect: on these digits R-hat near 1, and three quarters of the samples nearest to a 3; about a
// minute on two cores.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "autodiff/safetensors.hpp"
#include "experiments/common/ebm.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/figure.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
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

void run(Cli& cli) {
  const auto file = cli.get("data", "", "numeric .csv, .csv.gz or .npy file, a point per row");
  const auto label =
      cli.get("label", "", "column with a class label: a name, a number from 0, or last");
  const auto classes =
      cli.get("classes", std::vector<double>{}, "keep rows with these labels only");
  const auto proportions = cli.get("proportions", std::vector<double>{},
                                   "of the classes kept, by thinning those in excess");
  const bool standard = cli.flag("standardise", "train on columns of mean 0 and variance 1");
  const auto jitter =
      cli.get("jitter", 0.0, "standard deviation of normal noise on training batches",
              {.min = 0, .unit = "of the data as trained on"});
  const auto method = cli.choice("method", "adaptive_flow", method_names(), "training method");
  const auto updates =
      cli.get<std::size_t>("updates", cli.quick() ? 40 : 5000, "updates", {.min = 1});
  const auto batch = cli.get<std::size_t>("batch", 128, "points per update", {.min = 1});
  const auto rate =
      cli.get("learning-rate", 1e-3, "of energy and flow, down to a hundredth", {.above = 0});
  const auto hidden =
      cli.get("hidden", std::vector<std::size_t>{128, 128}, "widths of the energy's layers");
  const auto blocks = cli.get<std::size_t>("flow-blocks", 4, "pairs of couplings", {.min = 1});
  const auto flow_hidden =
      cli.get("flow-hidden", std::vector<std::size_t>{64}, "widths of a coupling's layers");
  const auto particles = cli.get<std::size_t>("particles", 64, "of i-SIR", {.min = 2});
  const auto local_steps =
      cli.get<std::size_t>("local-steps", 8, "MALA steps per i-SIR step", {.min = 1});
  const auto langevin = cli.get("langevin-step", 0.01, "step size of cd and pcd",
                                {.above = 0, .unit = "squared units of the data as trained on"});
  const auto sigma = cli.get("sigma", std::vector<double>{0.1}, "noise levels of dsm");
  const auto chains =
      cli.get<std::size_t>("chains", cli.quick() ? 32 : 256, "chains that sample", {.min = 1});
  const auto draws =
      cli.get<std::size_t>("draws", cli.quick() ? 20 : 500, "recorded steps per chain", {.min = 4});
  cli.done();
  if (file.empty()) throw std::invalid_argument("--data: need a file");

  // Data
  train::Table data = train::read_table(file, {.label = label});
  if (!classes.empty()) data = train::select_classes(data, classes, proportions, {cli.seed(), 1});
  const std::size_t n = data.values.rows(), dim = data.values.cols();
  ad::Tensor points = data.values;
  train::Standardisation scale;
  if (standard) {
    scale = train::standardisation(points);
    scale.apply(points);
  }

  // Model
  const ad::Key key{cli.seed()};
  Ebm ebm({.dim = dim,
           .hidden = hidden,
           .base_variance = largest_mean_square(points) + jitter * jitter,
           .flow = {.blocks = blocks, .hidden = flow_hidden, .form = flows::CouplingForm::plain}},
          key.fork(0));
  const MethodSettings settings{.batch = batch,
                                .steps = std::uint32_t(updates),
                                .learning_rate = rate,
                                .final_learning_rate = rate / 100,
                                .jitter = jitter,
                                .langevin_step = langevin,
                                .sigmas = sigma,
                                .particles = particles,
                                .local_steps = std::uint32_t(local_steps),
                                .cycles = 1,
                                .flow_learning_rate = rate,
                                .final_flow_learning_rate = rate / 100};
  RunFolder folder(cli);
  Report report("An energy model of " + std::filesystem::path(file).filename().string(),
                std::to_string(n) + " points in " + std::to_string(dim) +
                    " dimensions, trained by " + method + ".");
  for (const std::size_t column : scale.constant) {
    report.warning("Column " + data.columns[column] + " is constant.");
  }

  // Train
  {
    Progress progress({.quiet = cli.quiet()});
    auto training = progress.start(method, updates);
    train_method(method, ebm, points, settings, key.fork(1),
                 [&](std::uint32_t step, const train::StepLog& log) {
                   training.update({step, log.loss, log.acceptance});
                   if (step % 50 == 0) {
                     folder.log(0, {{"step", step},
                                    {"loss", log.loss},
                                    {"gradient_norm", log.gradient_norm},
                                    {"acceptance", log.acceptance},
                                    {"global_moves", log.global_moves},
                                    {"weight_ess", log.weight_ess},
                                    {"flow_loss", log.flow_loss}});
                   }
                   return !interrupted();
                 });
  }
  folder.file("energy.safetensors",
              [&](const auto& path) { ad::save_safetensors(path, ebm.params); });
  folder.file("flow.safetensors",
              [&](const auto& path) { ad::save_safetensors(path, ebm.flow_params); });

  // Sample: chains from the flow, global moves by the flow, local moves by MALA
  const FlowMc kernel(mcmc::Isir(ebm.energy, mcmc::from_flow(ebm.flow), {.particles = particles}),
                      mcmc::Mala(ebm.energy, dim, {.step_size = 0.01}),
                      {.local_steps = std::uint32_t(local_steps)});
  const auto from_flow = [&](std::span<const ad::Var> in) -> ad::Vars {
    return {ebm.flow.sample(in[0]).x};
  };
  const ad::Tensor start = ad::evaluate(from_flow, {ad::normal({chains, dim}, key.fork(2))})[0];
  mcmc::RunResult result = mcmc::run(kernel, start,
                                     {.steps = std::uint32_t(draws),
                                      .warmup = std::uint32_t(draws / 2),
                                      .key = key.fork(3),
                                      .target_accept = 0.65});
  const double rhat = mcmc::max_rhat(result.draws.view());
  if (standard) scale.invert(result.last);
  folder.samples("samples", result.last);

  Table table("Sampling");
  table.add({{"method", method},
             {"updates", updates},
             {"chains", chains},
             {"draws", draws},
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
  const auto side = std::size_t(std::lround(std::sqrt(double(dim))));
  if (side * side == dim && dim > 4) {
    const auto picture = folder.figure("images");
    const ImageGrid grid{side, side, 6, 10};
    report.figure(
        draw(picture,
             {{"", {images("data", data.values, grid), images("samples", result.last, grid)}}}),
        picture, "Training points and samples as images.");
  }
  if (interrupted())
    report.warning("The training was interrupted; the model is what it had become.");
  report.configuration(folder.configuration());
  folder.file("report.html", report.html());
  folder.summary(rows);
  std::cout << (folder.path() / "report.html").string() << "\n";
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(argc, argv, "Trains an energy on your own data and samples it", eqp::run);
}
