// Trains one energy by twelve methods and measures what each has learned, against what exact draws
// of the data would measure.
//
//   ./run training_methods --data two_moons --method nce --seeds 5
//
// Expect: on eight Gaussians of unequal weights NCE, flow contrastive estimation, energy
// discrepancy and tempered PCD have mode weights within 0.011 and a KL of 0.01 to 0.04; score
// matching and DSM are off by 0.02 to 0.03, CD, sliced score matching and DSM of several levels by
// 0.04 to 0.07, PCD by 0.12. Five minutes per data set and seed on one core; --quick takes five
// seconds and proves nothing.
#include <iostream>
#include <optional>

#include "autodiff/ranks.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/contender.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/findings.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/judge.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/step_log.hpp"
#include "experiments/common/stopwatch.hpp"

namespace eqp {
namespace {

// What one training leaves behind.
struct Outcome {
  std::string failure;
  Judgement judgement;
};

Judgement train_one(const Judge& judge, const std::string& task, const std::string& method,
                    std::size_t group, ad::Key key, RunFolder& folder, Progress& progress) {
  Stopwatch watch;
  Contender model(method, judge.data(), judge.contender(), key.fork(0));
  auto training = progress.start(task, model.updates());
  Checkpoint checkpoint(folder, task, group, [&](ad::Archive& a) { a("watch", watch); });
  model.fit(
      [&](std::uint32_t step, const train::StepLog& log) {
        training.update({step, log.loss, log.acceptance});
        if (step == 1) log_blocks(folder, task, log);
        return true;
      },
      &checkpoint);
  const double seconds = watch.seconds();
  if (interrupted()) return {};
  Judgement out = judge.judge(model.energy(), key.fork(1));
  if (!out.doubt.empty()) out.doubt = task + ": " + out.doubt;
  out.row["updates"] = model.updates();
  out.row["evaluations"] = model.evaluations();
  Row logged{{"task", task}, {"method", method}};
  logged.update(out.row);
  folder.log(group, logged);
  out.row["seconds"] = seconds;
  return out;
}

// Densities and samples of the first seed, seven to a row.
std::vector<PanelRow> pictures(const Judge& judge, const std::vector<std::string>& names,
                               std::span<const Outcome> outcomes) {
  constexpr std::size_t n = Judge::kPicture;
  const train::Box& frame = judge.frame();
  const std::vector<double> exact = judge.picture();
  const double top = *std::ranges::max_element(exact);
  std::vector<PanelPtr> densities{density("exact", frame, n, n, exact)};
  std::vector<PanelPtr> samples{scatter("exact", frame, judge.reference())};
  for (std::size_t m = 0; m < names.size(); ++m) {
    const Judgement& out = outcomes[m].judgement;
    if (out.picture.empty()) continue;
    densities.push_back(density(names[m], frame, n, n, out.picture, Scale::linear, top));
    samples.push_back(scatter(names[m], frame, out.samples));
  }
  std::vector<PanelRow> rows;
  for (std::size_t i = 0; i < densities.size(); i += 7) {
    const auto part = [&](const std::vector<PanelPtr>& all) {
      const auto first = all.begin() + std::ptrdiff_t(i);
      return std::vector<PanelPtr>(first, first + std::min<std::ptrdiff_t>(7, all.end() - first));
    };
    rows.push_back({"density", part(densities)});
    rows.push_back({"samples", part(samples)});
  }
  return rows;
}

// Which methods reach the floor of the distance between samples.
Finding verdict(const std::string& data, const Table& table) {
  std::string near, far;
  const double floor = table.rows().front().at("w2").get<double>();
  for (std::size_t i = 1; i < table.rows().size(); ++i) {
    const Row& row = table.rows()[i];
    const double ratio = row.at("w2").get<double>() / floor;
    std::string& list = ratio <= 1.3 ? near : far;
    if (ratio > 1.3 && ratio <= 2) continue;
    list += (list.empty() ? "" : ", ") + row.at("method").get<std::string>();
  }
  return {far.empty() ? Level::good : Level::warn,
          "On " + data + " the W2 of Langevin samples is up to 1.3 times that of exact draws for " +
              (near.empty() ? "none" : near) + "; more than twice as large for " +
              (far.empty() ? "none" : far) + "."};
}

void run(Cli& cli) {
  const auto chosen = [&](const std::string& option, const std::vector<std::string>& all,
                          const std::string& doc) {
    std::vector<std::string> choices{"all"};
    choices.insert(choices.end(), all.begin(), all.end());
    const std::string choice = cli.choice(option, "all", choices, doc);
    return choice == "all" ? all : std::vector<std::string>{choice};
  };
  const Range count{.min = 1, .max = 1e6};
  const auto names = chosen("data", judged_names(), "data set");
  const auto methods = chosen("method", contender_names(), "training method");
  const auto seeds =
      cli.get<std::size_t>("seeds", 1, "trainings per method and data set", {.min = 1, .max = 100});
  const auto steps =
      cli.get("steps", cli.quick() ? 20u : 0u,
              "updates of the energy; 0: 10000, or 4000 of dear methods", {.max = 1e6});
  const auto batch = cli.get<std::size_t>("batch", 256, "points per update", count);
  const auto hidden = cli.get(
      "hidden", cli.quick() ? std::vector<std::size_t>{32, 32} : std::vector<std::size_t>{128, 128},
      "widths of the energy's layers", {.min = 1, .max = 65536});
  JudgeOptions judging;
  judging.points =
      cli.get<std::size_t>("points", cli.quick() ? 4096 : 60000, "training points", count);
  judging.samples = cli.get<std::size_t>("samples", cli.quick() ? 100 : 1000,
                                         "chains that sample a model", {.min = 10, .max = 5000});
  judging.langevin_steps =
      cli.get("langevin-steps", cli.quick() ? 40u : 4000u,
              "steps of these chains, from a broad start", {.min = 4, .max = 1e6});
  cli.done();
  if (cli.quick()) judging.quadrature.mass_tolerance = 5e-3;
  const ad::Key key{cli.seed()};
  RunFolder folder(cli);

  // Keys go by name, so that a part alone gives what it gives among others.
  const auto number = [](const std::vector<std::string>& all, const std::string& name) {
    return std::uint32_t(std::ranges::find(all, name) - all.begin());
  };
  std::vector<std::optional<Judge>> judges(names.size());
  ad::parallel_for(names.size(), [&](std::size_t i) {
    judges[i].emplace(names[i], judging, key.fork(number(judged_names(), names[i])));
    ContenderOptions& o = judges[i]->contender();
    o.steps = steps, o.batch = batch, o.hidden = hidden;
    if (cli.quick()) o.flow_pretraining = 20;
  });

  const std::size_t per_data = seeds * methods.size();
  Progress progress({.total = names.size() * per_data, .quiet = cli.quiet()});
  std::vector<Outcome> outcomes(names.size() * per_data);
  ad::for_each_job(outcomes.size(), [&](std::size_t k) {
    if (interrupted()) return;
    const std::size_t i = k / per_data, seed = k % per_data / methods.size();
    const std::string& method = methods[k % methods.size()];
    const ad::Key own = key.fork(1000 + number(judged_names(), names[i]))
                            .fork(number(contender_names(), method))
                            .fork(std::uint32_t(seed));
    const std::string task = names[i] + "/" + method + "/" + std::to_string(seed + 1);
    try {
      outcomes[k].judgement = train_one(*judges[i], task, method, k, own, folder, progress);
    } catch (const std::runtime_error& e) {  // one that diverges must not end the others
      outcomes[k].failure = task + " stopped at " + e.what();
    }
  });

  Report report("Training methods of energy-based models",
                "One energy network is trained by twelve methods. "
                "Distances are those of samples by Langevin chains from a broad start, unless they "
                "say otherwise, to fresh data; the first row is what exact draws have. A mode's z "
                "is the largest deviation of a mode's count in these samples, in standard errors; "
                "the weight error, and its z, are those of the density itself.");
  std::vector<Row> rows;
  std::vector<Finding> verdicts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Table table(names[i]);
    Row floor{{"method", "exact draws"}};
    floor.update(judges[i]->floor());
    table.add(floor);
    for (std::size_t m = 0; m < methods.size(); ++m) {
      std::vector<Row> done;
      for (std::size_t seed = 0; seed < seeds; ++seed) {
        const Outcome& out = outcomes[i * per_data + seed * methods.size() + m];
        if (!out.failure.empty()) {
          verdicts.push_back({Level::bad, out.failure});
          rows.push_back({{"dataset", names[i]}, {"method", methods[m]}, {"failure", out.failure}});
        }
        if (!out.judgement.doubt.empty()) verdicts.push_back({Level::warn, out.judgement.doubt});
        if (!out.judgement.row.empty()) done.push_back(out.judgement.row);
      }
      if (done.empty()) continue;
      Row row{{"method", methods[m]}};
      row.update(mean_of(done));
      if (seeds > 1) row["seeds"] = done.size();
      if (done.size() > 1) row["w2_sd"] = sd_of(done, "w2"), row["kl_sd"] = sd_of(done, "kl");
      table.add(row);
    }
    if (table.rows().size() < 2) continue;
    std::cout << table.text() << "\n";
    report.section(names[i]);
    const auto picture = folder.figure(names[i]);
    const std::span first(&outcomes[i * per_data], methods.size());
    report.figure(draw(picture, pictures(*judges[i], methods, first)), picture,
                  "Exact and learned densities of the first seed, on a colour scale up to the "
                  "largest exact one, and samples of each by Langevin chains from a broad start.");
    report.table(table);
    verdicts.push_back(verdict(names[i], table));
    for (Row row : table.rows()) {
      row["dataset"] = names[i];
      rows.push_back(row);
    }
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
  return eqp::experiment(argc, argv,
                         "Trains one energy by twelve methods and compares what they have learned",
                         eqp::run);
}
