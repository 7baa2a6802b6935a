// Trains one energy by five methods and shows which of them got the mode weights right.
//
//   ./run balanced_ebm --data two_modes --method adaptive_flow --epochs 75
//
// Expect: on eight Gaussians with weights 1 to 8 adaptive_flow has the smallest mode-weight error
// of all; on the two modes it ends within 0.01 of 2/3, where PCD's weight goes between 0 and 1. One
// and a half minutes on two cores; --quick takes some seconds and proves nothing.
#include <iostream>

#include "autodiff/ranks.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/ebm.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/figure.hpp"
#include "experiments/common/findings.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/problems.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "train/metrics/density_error.hpp"
#include "train/metrics/grid_draws.hpp"
#include "train/metrics/quadrature.hpp"
#include "train/metrics/wasserstein.hpp"

namespace eqp {
namespace {

constexpr std::size_t kPicture = 200, kTrace = 102, kSampling = 400;  // cells per axis

// What all methods on a data set share.
struct Reference {
  Problem problem;
  train::Rows data;    // for training
  ad::Tensor samples;  // for comparison, as many as are drawn from models
  double w2_floor = 0;
  std::vector<double> log_true;  // of 10 000 fresh points
  ad::Tensor test;
  std::vector<double> picture;
};

// What one training leaves behind.
struct Outcome {
  bool done = false;
  std::string failure;  // why there is no model, if the training stopped by itself
  Row row;
  Series curve;
  std::vector<double> picture;
  ad::Tensor samples;
  LateWeight late;
};

std::vector<double> normalised(const train::Grid& grid) {
  const double log_z = train::log_z(grid);
  std::vector<double> density;
  for (const double v : grid.values) density.push_back(std::exp(v - log_z));
  return density;
}

Reference prepare(const Problem& problem, std::size_t n_samples, ad::Key key) {
  const train::Distribution& truth = problem.truth;
  Reference r{.problem = problem,
              .data = train::Rows(train::draw(truth, problem.points, key.fork(0))),
              .samples = train::draw(truth, n_samples, key.fork(1)),
              .test = train::draw(truth, 10000, key.fork(2))};
  r.w2_floor = train::sampling_floor(
                   train::w2,
                   [&](std::size_t k) {
                     return train::draw(truth, n_samples, key.fork(3).fork(std::uint32_t(k)));
                   },
                   4)
                   .mean;
  r.log_true = train::log_prob(truth, r.test);
  r.picture =
      normalised(train::evaluate_grid(log_density(truth), problem.frame, kPicture, kPicture));
  return r;
}

Outcome train_one(const Reference& r, const std::string& method, std::size_t group, ad::Key key,
                  RunFolder& folder, Progress& progress) {
  const Problem& p = r.problem;
  const MethodSettings settings = p.tuned(method);
  Ebm ebm(p.model, key.fork(0));
  const train::LogDensity model = log_density(ebm.energy, 2);
  const train::Modes& modes = p.truth.modes;
  const auto epoch = std::uint32_t(std::max<std::size_t>(1, r.data.rows() / settings.batch));

  Outcome out{.curve = {.name = method}};
  const std::string task = p.truth.name + "/" + method;
  Checkpoint checkpoint(folder, task, group, [&](ad::Archive& a) {
    a("curve.x", out.curve.x);
    a("curve.y", out.curve.y);
  });
  auto training = progress.start(task, settings.steps);
  const auto start = std::chrono::steady_clock::now();
  fit(
      ebm, make_objective(method, ebm, r.data, settings, key.fork(1)), settings,
      [&](std::uint32_t step, const train::StepLog& log) {
        training.update({step, log.loss, log.acceptance});
        if (step == 1) {
          folder.block(task + " update", log.block);
          folder.block(task + " chains", log.chain_block);
        }
        if (step % epoch == 0 || step == settings.steps) {
          const train::Grid grid = train::evaluate_grid(model, p.box, kTrace, kTrace);
          const double weight = train::masses_on_grid(grid, modes)[p.watched];
          out.curve.x.push_back(double(step) / epoch);
          out.curve.y.push_back(weight);
          folder.log(group, {{"dataset", p.truth.name},
                             {"method", method},
                             {"step", step},
                             {"loss", log.loss},
                             {"acceptance", log.acceptance},
                             {"global_moves", log.global_moves},
                             {"weight_ess", log.weight_ess},
                             {"flow_loss", log.flow_loss},
                             {"weight", weight}});
        }
        return true;
      },
      &checkpoint);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (interrupted()) return out;

  const train::Quadrature z = train::integrate(model, p.box, modes, p.quadrature);
  const train::DensityError error =
      train::density_error(train::evaluate(model, r.test), z.log_z, r.log_true);
  const train::Grid fine = train::evaluate_grid(model, p.box, kSampling, kSampling);
  out.samples = train::draw_from_grid(fine, r.samples.rows(), key.fork(2));
  out.picture = normalised(train::evaluate_grid(model, p.frame, kPicture, kPicture));
  out.late = late_weight(out.curve.y);
  out.row = {
      {"dataset", p.truth.name},
      {"method", method},
      {"mode_weight", z.masses[p.watched]},
      {"late_mean", out.late.mean},
      {"mode_weight_error", train::weight_error(z.masses, p.truth.weights).rmse},
      {"mode_weight_se", std::sqrt(train::weight_error_floor(p.truth.weights, r.data.rows()))},
      {"w2", train::w2(out.samples, r.samples)},
      {"w2_floor", r.w2_floor},
      {"sliced_w2", train::sliced_w2(out.samples, r.samples)},
      {"log_density_error", error.median_squared},
      {"kl", error.kl},
      {"updates", settings.steps},
      {"seconds", seconds}};
  out.done = true;
  return out;
}

std::vector<PanelRow> density_rows(const Reference& r, std::span<const Outcome> outcomes) {
  const train::Box& frame = r.problem.frame;
  const double top = *std::ranges::max_element(r.picture);
  PanelRow densities{"density", {density("exact", frame, kPicture, kPicture, r.picture)}};
  PanelRow samples{"samples", {scatter("exact", frame, r.samples)}};
  for (const Outcome& out : outcomes) {
    if (!out.done) continue;
    // A model with a spike must not leave the others in the dark.
    std::vector<double> clipped = out.picture;
    for (double& v : clipped) v = std::min(v, top);
    densities.panels.push_back(density(out.curve.name, frame, kPicture, kPicture, clipped));
    samples.panels.push_back(scatter(out.curve.name, frame, out.samples));
  }
  return {densities, samples};
}

void run(Cli& cli) {
  std::vector<std::string> data_choices{"all"}, method_choices{"all"};
  data_choices.insert(data_choices.end(), problem_names().begin(), problem_names().end());
  method_choices.insert(method_choices.end(), method_names().begin(), method_names().end());
  const auto data =
      cli.choice("data", "all", data_choices, "data set; all: the four of the report");
  const auto method = cli.choice("method", "all", method_choices, "training method");
  const bool published =
      cli.flag("published",
               "network and chains of Grenioux, Moulines & Gabrie (2023): minutes per data set");
  const auto n_points =
      cli.get<std::size_t>("points", cli.quick() ? 2048 : 0,
                           "training points; 0: the data set's own number", {.max = 1e8});
  const auto batch =
      cli.get<std::size_t>("batch", 0, "points per update; 0: the data set's own", {.max = 1e6});
  const auto n_samples =
      cli.get<std::size_t>("samples", cli.quick() ? 200 : 1000,
                           "samples per model, for pictures and W2", {.min = 10, .max = 5000});
  const auto epochs =
      cli.get("epochs", cli.quick() ? 4.0 : 0.0, "passes over the data; 0: the data set's own",
              {.min = 0, .max = 1e5});
  cli.done();

  std::vector<std::string> names{data}, methods{method};
  if (data == "all") names = {"two_modes", "two_modes_equal", "eight_gaussians", "two_moons"};
  if (method == "all") methods = method_names();
  const ad::Key key{cli.seed()};
  RunFolder folder(cli);

  // Keys go by name, so that a data set alone gives what it gives among others.
  const auto number = [](const std::vector<std::string>& all, const std::string& name) {
    return std::uint32_t(std::ranges::find(all, name) - all.begin());
  };
  std::vector<Reference> references(names.size());
  ad::parallel_for(names.size(), [&](std::size_t i) {
    Problem problem = make_problem(names[i], published);
    if (epochs > 0) problem.epochs = epochs;
    if (n_points > 0) problem.points = n_points;
    if (batch > 0) problem.settings.batch = batch;
    // The default accuracy costs a second per model of many modes.
    if (cli.quick()) problem.quadrature = {.tolerance = 1e-4, .mass_tolerance = 5e-3};
    references[i] = prepare(problem, n_samples, key.fork(number(problem_names(), names[i])));
  });

  // Every training is a task; the same seed gives the same bytes whoever runs it.
  Progress progress({.total = names.size() * methods.size(), .quiet = cli.quiet()});
  std::vector<Outcome> outcomes(names.size() * methods.size());
  ad::for_each_job(outcomes.size(), [&](std::size_t k) {
    if (interrupted()) return;
    const std::size_t i = k / methods.size();
    const std::string& name = methods[k % methods.size()];
    const ad::Key own =
        key.fork(1000 + number(problem_names(), names[i])).fork(number(method_names(), name));
    try {
      outcomes[k] = train_one(references[i], name, k, own, folder, progress);
    } catch (const std::runtime_error& e) {  // one method that diverges must not end the others
      outcomes[k].curve.name = name;
      outcomes[k].failure = name + " on " + names[i] + " stopped at " + e.what();
    }
  });

  Report report(
      "Balanced energy-based models",
      "One energy network is trained by five methods on distributions whose mode weights "
      "are known. Masses of modes are integrals of the learned density; samples are drawn "
      "from it exactly, on a grid, so that no sampler blurs the comparison.");
  std::vector<Row> rows;
  std::vector<Finding> verdicts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Reference& r = references[i];
    const std::span own(&outcomes[i * methods.size()], methods.size());
    Table table(names[i]);
    std::vector<Series> series;
    for (const Outcome& out : own) {
      if (!out.failure.empty()) {
        verdicts.push_back({Level::bad, out.failure});
        rows.push_back(
            {{"dataset", names[i]}, {"method", out.curve.name}, {"failure", out.failure}});
      }
      if (!out.done) continue;
      table.add(out.row);
      rows.push_back(out.row);
      series.push_back(out.curve);
      series.back().color = number(method_names(), out.curve.name);
      verdicts.push_back(judge_weight(out.curve.name + " on " + names[i], r.problem.watched_name,
                                      r.problem.truth.weights[r.problem.watched], out.late));
      folder.samples("samples_" + names[i] + "_" + out.curve.name, out.samples);
    }
    if (series.empty()) continue;
    std::cout << table.text() << "\n";

    report.section(names[i]);
    const auto picture = folder.figure(names[i]);
    report.figure(draw(picture, density_rows(r, own)), picture,
                  "Exact and learned densities, on a colour scale up to the largest exact one, and "
                  "samples of each.");
    const auto trace = folder.figure(names[i] + "_weight");
    report.figure(
        draw(trace, {{"",
                      {curves("Weight of " + r.problem.watched_name, series,
                              {.x_label = "epoch",
                               .y_label = "weight",
                               .reference = r.problem.truth.weights[r.problem.watched]})}}}),
        trace, "Weight of " + r.problem.watched_name + " during training.");
    report.table(table);
  }
  for (const auto& [level, text] : verdicts) {
    report.verdict(level, text);
    std::cout << text << "\n";
  }
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(
      argc, argv, "Trains one energy by five methods and compares their mode weights", eqp::run);
}
