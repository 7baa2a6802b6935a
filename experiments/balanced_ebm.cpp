// Trains one energy by several methods and shows which of them got the mode weights right.
//
//   ./run balanced_ebm --data two_modes --method adaptive_flow --epochs 75
//
// Expect: on eight Gaussians with weights 1 to 8 adaptive_flow has the smallest mode-weight error
// of all; on the two modes it ends within 0.01 of 2/3, where PCD's weight wanders between 0 and 1.
// Two to five minutes on two cores; --quick takes some seconds and proves nothing.
//
//   ./run balanced_ebm --published --data four_modes
//
// repeats the study the method comes from, with its numbers beside ours: see docs/balanced.md.
#include <iostream>

#include "autodiff/ranks.hpp"
#include "experiments/common/ebm_training.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/published.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/robustness.hpp"

namespace eqp {
namespace {

constexpr std::size_t kPicture = EbmStudy::kPicture;

// Points of many dimensions by the means of the two halves of their coordinates, in which the
// corners are apart.
ad::Tensor means_of_halves(ad::ConstView x) {
  const std::size_t half = x.cols() / 2;
  ad::Tensor means({x.rows(), 2});
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < 2 * half; ++j) means(i, j / half) += x(i, j) / Real(half);
  }
  return means;
}

std::vector<PanelRow> pictures(const EbmStudy& r, std::span<const TrainedEbm> outcomes) {
  const train::Box& frame = r.problem.frame;
  const bool planar = r.problem.planar();
  const auto dots = [&](const std::string& name, const ad::Tensor& x) {
    return planar ? scatter(name, frame, x) : scatter(name, frame, means_of_halves(x));
  };
  PanelRow densities{"density", {}}, samples{"samples", {dots("exact", r.truth.samples)}};
  if (planar) densities.panels.push_back(density("exact", frame, kPicture, kPicture, r.picture));
  for (const TrainedEbm& out : outcomes) {
    if (!out.done) continue;
    samples.panels.push_back(dots(out.curve.name, out.samples));
    if (!planar) continue;
    const double top = *std::ranges::max_element(r.picture);
    densities.panels.push_back(
        density(out.curve.name, frame, kPicture, kPicture, out.picture, Scale::linear, top));
  }
  if (!planar) return {samples};
  return {densities, samples};
}

// Every number that the paper has too.
Table beside_the_paper(const std::string& dataset, std::span<const TrainedEbm> outcomes) {
  Table table(dataset + ", beside Grenioux, Moulines & Gabrie (2023)");
  for (const TrainedEbm& out : outcomes) {
    for (const auto& [quantity, value] : out.row.items()) {
      const auto theirs = published_number(dataset, out.curve.name, quantity);
      if (!theirs) continue;
      table.add({{"method", out.curve.name},
                 {"quantity", quantity},
                 {"here", value},
                 {"published", *theirs}});
    }
  }
  return table;
}

Finding verdict(const Problem& p, const TrainedEbm& out) {
  const std::string who = out.curve.name + " on " + p.truth.name;
  if (p.planar()) {
    return judge_weight(who, p.watched_name, p.truth.weights[p.watched], out.late);
  }
  return judge_shares(who, "weight of a corner",
                      100 * out.row.at("largest_weight_error").get<double>(), 2,
                      out.row.at("max_rhat").get<double>());
}

void run(Cli& cli) {
  std::vector<std::string> data_choices{"all"}, method_choices{"all"};
  data_choices.insert(data_choices.end(), problem_names().begin(), problem_names().end());
  method_choices.insert(method_choices.end(), method_names().begin(), method_names().end());
  const auto data = cli.choice("data", "all", data_choices,
                               "data set; all: the four of the report, and with --published the "
                               "paper's in the plane");
  const auto method = cli.choice("method", "all", method_choices,
                                 "training method; all: the five of the report, and with "
                                 "--published or in many dimensions the four of the paper");
  const bool published = cli.flag("published",
                                  "settings and numbers of Grenioux, Moulines & Gabrie (2023): "
                                  "minutes to an hour per training");
  const bool untilted = cli.flag("untilted",
                                 "pcd and coop_flow train the network alone, as in "
                                 "that paper, which may not be normalisable");
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
  const auto final_rate = cli.get(
      "final-rate", 0.0, "learning rates at last, reached along a cosine; 0: the data set's own",
      {.min = 0, .max = 1, .unit = "of those at first"});
  const auto flow_updates =
      cli.get("flow-updates", 1u, "adaptive_flow: of the flow per update of the energy",
              {.min = 1, .max = 1000});
  const Robustness robustness(cli);
  cli.done();

  std::vector<std::string> names{data}, methods{method};
  if (data == "all") {
    names = published ? published_planes()
                      : std::vector<std::string>{"two_modes", "two_modes_equal", "eight_gaussians",
                                                 "two_moons"};
  }
  const bool planar = !data.starts_with("corners_");
  if (method == "all") {
    methods = published || !planar
                  ? published_methods()
                  : std::vector<std::string>{"cd", "pcd", "dsm", "nce", "adaptive_flow"};
  } else if ((published || !planar) &&
             std::ranges::find(published_methods(), method) == published_methods().end()) {
    throw std::invalid_argument("--method " + method +
                                (published ? " with --published" : " on " + data) +
                                ": need one of pcd, nt_ebm, coop_flow, adaptive_flow" +
                                (published ? "" : ", whose chains tell how much is where"));
  }
  const ad::Key key{cli.seed()};
  RunFolder folder(cli);

  // Keys go by name, so that a data set alone gives what it gives among others.
  const auto number = [](const std::vector<std::string>& all, const std::string& name) {
    return std::uint32_t(std::ranges::find(all, name) - all.begin());
  };
  std::vector<EbmStudy> studies(names.size());
  ad::parallel_for(names.size(), [&](std::size_t i) {
    Problem problem = make_problem(names[i], published ? Protocol::published : Protocol::ours);
    if (epochs > 0) problem.epochs = epochs;
    if (n_points > 0) problem.points = n_points;
    if (batch > 0) problem.settings.batch = batch;
    problem.settings.tilted = !untilted;
    problem.settings.flow_updates = flow_updates;
    robustness.apply(problem.settings);
    problem.final_rate = final_rate;
    // The default accuracy costs a second per model of many modes.
    if (cli.quick()) {
      problem.quadrature = {.tolerance = 1e-4, .mass_tolerance = 5e-3};
      problem.settings.pretraining = 20;
    }
    studies[i] = prepare(problem, n_samples, key.fork(number(problem_names(), names[i])));
  });

  // Every training is a task; the same seed gives the same bytes whoever runs it.
  Progress progress({.total = names.size() * methods.size(), .quiet = cli.quiet()});
  std::vector<TrainedEbm> outcomes(names.size() * methods.size());
  ad::for_each_job(outcomes.size(), [&](std::size_t k) {
    if (interrupted()) return;
    const std::size_t i = k / methods.size();
    const std::string& name = methods[k % methods.size()];
    const ad::Key own =
        key.fork(1000 + number(problem_names(), names[i])).fork(number(method_names(), name));
    try {
      train_and_judge(studies[i], name, k, own, folder, progress, outcomes[k]);
    } catch (const std::runtime_error& e) {  // one method that diverges must not end the others
      outcomes[k].failure = name + " on " + names[i] + " stopped at " + e.what();
    }
  });

  Report report(
      "Balanced energy-based models",
      planar
          ? "One energy network is trained by several methods on distributions whose mode weights "
            "are known. Masses of modes are integrals of the learned density; samples are drawn "
            "from it exactly, on a grid, so that no sampler blurs the comparison."
          : "One energy network is trained by several methods on a distribution whose mode "
            "weights are known. What they have learned is judged by 128 of their own chains, of "
            "1000 steps each, with parameters and step sizes as the training left them.");
  std::vector<Row> rows;
  std::vector<Finding> verdicts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const EbmStudy& r = studies[i];
    const std::span own(&outcomes[i * methods.size()], methods.size());
    Table table(names[i]);
    std::vector<Series> series;
    for (const TrainedEbm& out : own) {
      if (!out.failure.empty()) {
        verdicts.push_back({Level::bad, out.failure});
        rows.push_back(
            {{"dataset", names[i]}, {"method", out.curve.name}, {"failure", out.failure}});
      }
      out.events.tell(names[i] + "_" + out.curve.name, folder, report);
      if (!out.done) continue;
      table.add(out.row);
      rows.push_back(out.row);
      series.push_back(out.curve);
      series.back().color = number(method_names(), out.curve.name);
      verdicts.push_back(verdict(r.problem, out));
      if (!out.doubt.empty())
        verdicts.push_back({Level::warn, out.curve.name + " on " + names[i] + ": " + out.doubt});
      folder.samples("samples_" + names[i] + "_" + out.curve.name, out.samples);
    }
    if (series.empty()) continue;
    std::cout << table.text() << "\n";
    const Table paper = beside_the_paper(names[i], own);
    if (published && !paper.rows().empty()) std::cout << paper.text() << "\n";

    report.section(names[i]);
    const auto picture = folder.figure(names[i]);
    report.figure(draw(picture, pictures(r, own)), picture,
                  planar ? "Exact and learned densities, on a colour scale up to the largest exact "
                           "one, and samples of each."
                         : "Samples, by the means of the two halves of their coordinates.");
    const auto trace = folder.figure(names[i] + "_weight");
    report.figure(
        draw(trace, {{"",
                      {curves("Weight of " + r.problem.watched_name, series,
                              {.x_label = "epoch",
                               .y_label = "weight",
                               .reference = r.problem.truth.weights[r.problem.watched]})}}}),
        trace,
        planar ? "Weight of " + r.problem.watched_name + " during training."
               : "Share of the bank in " + r.problem.watched_name + " during training.");
    report.table(table);
    if (published && !paper.rows().empty()) report.table(paper);
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
      argc, argv, "Trains one energy by several methods and compares their mode weights", eqp::run);
}
