// Fits four kinds of normalising flows to five densities of the plane that are known exactly.
//
//   ./run flow_densities --data rings --flow nsf --steps 4000
//
// Expect: splines (nsf) within 0.05 nats of the exact entropy on eight Gaussians and rings, where
// affine couplings (realnvp) leave bridges between the modes. Six minutes on two cores; --quick
// takes some seconds and proves nothing.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>

#include "autodiff/ranks.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/ebm.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/figure.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "flows/base.hpp"
#include "flows/continuous.hpp"
#include "flows/linear.hpp"
#include "flows/maf.hpp"
#include "flows/neural_spline.hpp"
#include "flows/realnvp.hpp"
#include "train/data/batches.hpp"
#include "train/data/checkerboard.hpp"
#include "train/data/two_moons.hpp"
#include "train/data/two_spirals.hpp"
#include "train/flow_ml.hpp"
#include "train/metrics/density_error.hpp"

namespace eqp {
namespace {

constexpr std::size_t kPicture = 200;  // cells per axis
const std::vector<std::string> kDensities{"two_moons", "eight_gaussians", "checkerboard", "rings",
                                          "two_spirals"};
const std::vector<std::string> kFlows{"realnvp", "nsf", "maf", "cnf"};

struct Density {
  train::Distribution truth;
  train::Box frame;
};

Density make_density(const std::string& name) {
  if (name == "two_moons") return {train::two_moons(), {-1.6, 2.6, -1.2, 1.7}};
  if (name == "eight_gaussians") return {train::eight_gaussians(), {-1.6, 1.6, -1.6, 1.6}};
  if (name == "checkerboard") return {train::checkerboard(), {-4.5, 4.5, -4.5, 4.5}};
  if (name == "rings") return {train::rings(), {-5, 5, -5, 5}};
  return {train::two_spirals(), {-4, 4, -4, 4}};
}

flows::Layers make_layers(const std::string& name, ad::Params& params, ad::Key key) {
  if (name == "realnvp") {
    return flows::realnvp(params, "flow", 2,
                          {.blocks = 5,
                           .hidden = {64, 64},
                           .form = flows::CouplingForm::plain,
                           .activation = ad::silu},
                          key)
        .layers();
  }
  if (name == "nsf") {
    return flows::neural_spline(params, "flow", 2,
                                {.blocks = 3,
                                 .hidden = {128, 128},
                                 .spline = {.bins = 16, .bound = 4},
                                 .activation = ad::silu},
                                key)
        .layers();
  }
  if (name == "maf") {
    return flows::maf(params, "flow", 2,
                      {.transforms = 6,
                       .hidden = {64, 64},
                       .family = flows::affine_map(1),
                       .activation = ad::silu},
                      key)
        .layers();
  }
  const auto net = std::make_shared<nn::Mlp>(params, "flow", std::vector<std::size_t>{3, 64, 64, 2},
                                             ad::tanh, key);
  const flows::Velocity velocity = [net](ad::Var x, ad::Var t, ad::Var) {
    return (*net)(concat(ad::Vars{x, t}, 1));
  };
  return {std::make_shared<flows::Continuous>("flow", 2, velocity,
                                              flows::ContinuousOptions{.steps = 8})};
}

// What all flows on a density share.
struct Reference {
  Density density;
  ad::Tensor data, test;
  std::vector<double> log_true;  // of the test points
  std::vector<double> picture;
};

struct Outcome {
  bool done = false;
  Row row;
  std::vector<double> picture;
};

std::vector<double> on_frame(const train::LogDensity& log_p, const train::Box& frame) {
  std::vector<double> density;
  for (const double v : train::evaluate_grid(log_p, frame, kPicture, kPicture).values) {
    density.push_back(std::exp(v));
  }
  return density;
}

struct Settings {
  std::uint32_t steps;
  std::size_t batch;
  double learning_rate;
};

Outcome train_one(const Reference& r, const std::string& name, const Settings& s, ad::Key key,
                  std::size_t group, RunFolder& folder, Progress& progress) {
  ad::Params params;
  flows::Layers layers = make_layers(name, params, key.fork(0));
  // Learns location and scale from the data first, so that the others find them where splines are
  // not the identity.
  layers.push_back(std::make_shared<flows::ElementwiseAffine>(params, "data", 2));
  const flows::Flow flow(std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2)),
                         std::move(layers));
  flow.start_from(params, r.data);

  const std::string task = r.density.truth.name + "/" + name;
  Checkpoint checkpoint(folder, task, group);
  auto training = progress.start(task, s.steps);
  const auto start = std::chrono::steady_clock::now();
  const train::Batches batches(train::Rows(r.data), s.batch, key.fork(1));
  train::fit(params, train::flow_ml(flow, batches, s.batch), train::adam(),
             {.steps = s.steps,
              .learning_rate = train::cosine(s.learning_rate, s.steps),
              .clip_norm = 5,
              .keeper = &checkpoint},
             [&](std::uint32_t step, const train::StepLog& log) {
               training.update({step, log.loss});
               return true;
             });
  if (interrupted()) return {};
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const train::LogDensity model = log_density([&](ad::Var x) { return -flow.log_prob(x); }, 2);
  const train::DensityError error =
      train::density_error(train::evaluate(model, r.test), 0, r.log_true);
  double exact = 0;
  for (const double l : r.log_true) exact -= l / double(r.log_true.size());
  return {.done = true,
          .row = {{"density", r.density.truth.name},
                  {"flow", name},
                  {"parameters", params.size()},
                  {"exact_nll", exact},
                  {"nll", exact + error.kl},
                  {"excess", error.kl},
                  {"standard_error", error.kl_standard_error},
                  {"seconds", seconds}},
          .picture = on_frame(model, r.density.frame)};
}

void run(Cli& cli) {
  std::vector<std::string> data_choices{"all"}, flow_choices{"all"};
  data_choices.insert(data_choices.end(), kDensities.begin(), kDensities.end());
  flow_choices.insert(flow_choices.end(), kFlows.begin(), kFlows.end());
  const auto data = cli.choice("data", "all", data_choices, "density");
  const auto kind = cli.choice("flow", "all", flow_choices, "kind of flow");
  const Settings settings{
      .steps = cli.get("steps", cli.quick() ? 5u : 4000u, "updates", {.min = 1}),
      .batch = cli.get<std::size_t>("batch", 512, "points per update", {.min = 1}),
      .learning_rate = cli.get("lr", 2e-3, "learning rate at the start of a cosine", {.above = 0})};
  const auto n_points =
      cli.get<std::size_t>("points", cli.quick() ? 2000 : 100000, "points to train on", {.min = 2});
  const auto n_test = cli.get<std::size_t>("test", cli.quick() ? 500 : 10000,
                                           "fresh points of which the NLL is taken", {.min = 2});
  cli.done();

  const std::vector<std::string> names = data == "all" ? kDensities : std::vector{data};
  const std::vector<std::string> kinds = kind == "all" ? kFlows : std::vector{kind};
  // Keys go by name, so that a density alone gives what it gives among others.
  const auto number = [](const std::vector<std::string>& all, const std::string& name) {
    return std::uint32_t(std::ranges::find(all, name) - all.begin());
  };
  const ad::Key key{cli.seed()};
  RunFolder folder(cli);

  std::vector<Reference> references(names.size());
  ad::parallel_for(names.size(), [&](std::size_t i) {
    const ad::Key own = key.fork(number(kDensities, names[i]));
    Reference& r = references[i];
    r.density = make_density(names[i]);
    r.data = train::draw(r.density.truth, n_points, own.fork(0));
    r.test = train::draw(r.density.truth, n_test, own.fork(1));
    r.log_true = train::log_prob(r.density.truth, r.test);
    r.picture = on_frame(log_density(r.density.truth), r.density.frame);
  });

  Progress progress({.total = names.size() * kinds.size(), .quiet = cli.quiet()});
  std::vector<Outcome> outcomes(names.size() * kinds.size());
  ad::for_each_job(outcomes.size(), [&](std::size_t k) {
    if (interrupted()) return;
    const std::string &name = names[k / kinds.size()], &flow = kinds[k % kinds.size()];
    const ad::Key own = key.fork(100 + number(kDensities, name)).fork(number(kFlows, flow));
    outcomes[k] = train_one(references[k / kinds.size()], flow, settings, own, k, folder, progress);
  });

  Report report("Flows and the densities of the plane",
                "Each flow is fitted by maximum likelihood. The excess is the mean, over fresh "
                "points, of the exact log density minus the flow's: an estimate of the "
                "Kullback-Leibler divergence in nats, 0 for a perfect flow.");
  Table table("Negative log-likelihoods in nats");
  std::vector<Row> rows;
  std::vector<PanelRow> pictures;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Reference& r = references[i];
    const double top = *std::ranges::max_element(r.picture);
    const auto panel = [&](const std::string& title, const std::vector<double>& values) {
      return density(title, r.density.frame, kPicture, kPicture, values, Scale::linear, top);
    };
    pictures.push_back({names[i], {panel("exact", r.picture)}});
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      const Outcome& out = outcomes[i * kinds.size() + k];
      if (!out.done) continue;
      table.add(out.row);
      rows.push_back(out.row);
      pictures.back().panels.push_back(panel(kinds[k], out.picture));
    }
  }
  if (!rows.empty()) {
    std::cout << table.text() << "\n";
    report.table(table);
    const auto picture = folder.figure("densities");
    report.figure(draw(picture, pictures), picture,
                  "Exact and fitted densities, each row on a colour scale up to the largest exact "
                  "one.");
  }
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(
      argc, argv, "Fits four kinds of normalising flows to five known densities of the plane",
      eqp::run);
}
