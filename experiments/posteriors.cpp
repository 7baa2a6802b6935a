// Samples the posteriors of real data, and compares means and standard deviations with references.
//
//   ./run posteriors --model german_credit --precision f64
//
// Expect: all |z| < 4; about half a minute on two cores. The centred form of the eight schools, a
// funnel, mixes badly: its tau has R-hat 1.03 and costs a thousand times the gradients per
// effective draw that it costs in the other form.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "autodiff/npy.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/posterior_draws.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/sample_posterior.hpp"
#include "experiments/common/warn.hpp"
#include "mcmc/summary.hpp"
#include "mcmc/targets/correlated_gaussian.hpp"
#include "mcmc/targets/posteriors/score.hpp"

namespace eqp {
namespace {

// Beyond as many standard errors a moment disagrees with its reference.
constexpr double kLargestZ = 4;

struct Result {
  std::string name;
  std::vector<mcmc::Score> scores;
  mcmc::RunResult sample;
};

constexpr const char* kGaussian = "correlated_gaussian";

mcmc::Posterior model(const std::string& name) {
  if (name == kGaussian) return mcmc::as_posterior(mcmc::correlated_gaussian());
  return mcmc::make_posterior(name);
}

// For another program that is to sample the same.
void save(RunFolder& folder, const mcmc::Posterior& posterior, ad::ConstView draws) {
  folder.samples("samples-" + posterior.name, quantities(posterior, draws));
  if (posterior.name != kGaussian) return;
  const std::vector<double> values = mcmc::correlated_gaussian().covariance;
  ad::Tensor covariance({posterior.dim(), posterior.dim()});
  std::ranges::transform(values, covariance.flat().begin(), [](double v) { return Real(v); });
  folder.file("covariance.npy", ad::npy_bytes(covariance));
}

Table moments(const Result& result) {
  Table table(result.name + ": moments, their standard errors, and z-scores");
  for (const mcmc::Score& s : result.scores) {
    table.add({{"quantity", s.quantity},
               {"mean", s.mean},
               {"se", s.mean_error},
               {"reference mean", s.reference->mean},
               {"reference se", s.reference->mean_error},
               {"z mean", s.z_mean},
               {"sd", s.sd},
               {"se of sd", s.sd_error},
               {"reference sd", s.reference->sd},
               {"z sd", s.z_sd},
               {"ess", s.ess_bulk},
               {"R-hat", s.rhat}});
  }
  return table;
}

// What went wrong, in words; empty if nothing did.
std::string disagreement(const Result& result) {
  const double worst = mcmc::worst_z(result.scores);
  if (worst < kLargestZ) return "";
  std::string quantities;
  for (const mcmc::Score& s : result.scores) {
    if (std::abs(s.z_mean) < kLargestZ && std::abs(s.z_sd) < kLargestZ) continue;
    quantities += (quantities.empty() ? "" : ", ") + s.quantity;
  }
  return result.name + ": largest |z| " + shown(worst) + "; beyond " + shown(kLargestZ) + ": " +
         quantities;
}

Row summary(const Result& result) {
  const mcmc::RunResult& s = result.sample;
  const double ess = mcmc::least_ess(result.scores);
  const auto worst_rhat = std::ranges::max_element(result.scores, {}, [](const mcmc::Score& m) {
                            return m.rhat;
                          })->rhat;
  return {{"model", result.name},
          {"dim", s.draws.shape()[2]},
          {"draws", s.draws.shape()[0] * s.draws.shape()[1]},
          {"largest z", mcmc::worst_z(result.scores)},
          {"R-hat", worst_rhat},
          {"least ess", ess},
          {"gradients", s.counts.gradients},
          {"warm-up gradients", s.warmup_gradients},
          {"gradients per ess", double(s.counts.gradients) / ess},
          {"acceptance", s.counts.rate()},
          {"step size", s.step_size},
          {"seconds", s.seconds},
          {"warm-up seconds", s.warmup_seconds}};
}

void run(Cli& cli) {
  std::vector<std::string> names = mcmc::posterior_names(), choices = names;
  choices.insert(choices.end(), {"all", kGaussian});
  const auto chosen = cli.choice("model", "all", choices,
                                 "a posterior, all of them, or a Gaussian in 100 dimensions with "
                                 "condition number 1000");
  const SampleOptions options{
      .chains = cli.get<std::size_t>("chains", 64, "Markov chains", {.min = 2}),
      .warmup = cli.get("warmup", 800u, "steps of warm-up", {.min = 20}),
      .steps = cli.get("steps", cli.quick() ? 200u : 2000u, "recorded steps", {.min = 4}),
      .metric =
          cli.choice("metric", "dense", {"diagonal", "dense"}, "that warm-up estimates") == "dense"
              ? mcmc::Metric::Kind::dense
              : mcmc::Metric::Kind::diagonal,
      .target_accept = cli.get("target-accept", 0.0, "mean acceptance; 0: as suits the model",
                               {.min = 0, .max = 0.999}),
      .max_depth = cli.get<std::size_t>("max-depth", 10, "doublings of a trajectory",
                                        {.min = 1, .max = 20})};
  const auto format = cli.choice(
      "draws", "none", draws_formats(),
      "write the draws of the quantities while they are made, with statistics of the "
      "transitions, to draws/: as .npy in files of bounded size, or as NetCDF for ArviZ");
  const bool keep = cli.flag("save-draws", "also write the draws of the quantities, as one .npy");
  cli.done();
  if (chosen != "all") names = {chosen};

  const ad::Key key{cli.seed()};
  RunFolder folder(cli);
  Report report("Posteriors of real data",
                "Moments of posteriors beside references. z is the difference in units of the "
                "standard errors of both sides, of which the sampler's come from effective sample "
                "sizes of the quantity and of its squared deviation from the mean.");
  Table table("Posteriors");
  std::vector<Row> rows;
  std::vector<std::string> failures;
  for (const std::string& name : names) {
    const mcmc::Posterior posterior = model(name);
    SampleOptions own = options;
    own.key = key;
    Checkpoint checkpoint(folder, name, rows.size());
    own.keeper = &checkpoint;
    const auto sink = posterior_draws(folder, format, posterior, own.chains);
    own.sink = sink.get();
    Result result{name, {}, sample(posterior, own)};
    if (interrupted()) break;
    result.scores = mcmc::scores(posterior, result.sample.draws);
    const auto summaries = mcmc::summarise(quantities(posterior, result.sample.draws));
    result.sample.facts.summaries = summaries;
    warn(report, name, mcmc::warnings(result.sample.facts));
    if (const std::string what = disagreement(result); !what.empty()) failures.push_back(what);
    const Table of_model = moments(result);
    std::cout << of_model.text() << "\n" << std::flush;
    report.table(of_model);
    rows.push_back(summary(result));
    table.add(rows.back());
    if (keep) save(folder, posterior, result.sample.draws);
  }
  if (interrupted()) return;
  report.table(table);
  std::cout << table.text() << "\n";
  if (failures.empty()) {
    report.verdict(Level::good, "All |z| are below " + shown(kLargestZ) + ".");
    std::cout << "all |z| < " << shown(kLargestZ) << "\n";
  }
  std::string all;
  for (const std::string& what : failures) {
    report.verdict(Level::bad, what);
    all += (all.empty() ? "" : "; ") + what;
  }
  folder.finish(std::move(report), rows);
  if (!failures.empty()) throw std::runtime_error(all);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(
      argc, argv, "Samples posteriors of real data and compares moments with references", eqp::run);
}
