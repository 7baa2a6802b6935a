// Brackets the log-normaliser of phi^4 chains and of a Gaussian mixture by annealing from a base to
// the target and back, beside sequential Monte Carlo and the exact values.
//
//   ./run annealed --particles 2000 --finer 8
//
// Expect: the mean log weights of forward and reverse annealing 0.4 to 0.7 below and above the
// exact log Z in every row, and both together within 0.02 of it for the phi^4 chains; 40 s on two
// cores.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>

#include "experiments/common/checkpoint.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/stopwatch.hpp"
#include "flows/full_gaussian.hpp"
#include "mcmc/ais.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/proposal.hpp"
#include "mcmc/smc.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/targets/phi4.hpp"

namespace eqp {
namespace {

// A path to a target of which everything is known, and which coordinate tells its two modes apart.
struct Problem {
  std::string name;
  mcmc::Path path;
  mcmc::Sampler sample;
  double log_z = 0, positive = 0;
  std::size_t coordinate = 0, leapfrog_steps = 1;
  double step_size = 0.1;
};

Problem phi4(std::size_t sites, double h) {
  const mcmc::Phi4Options options{.sites = sites, .h = h};
  const auto chain = std::make_shared<mcmc::Phi4>(options);
  const flows::FullGaussian base =
      flows::lattice_gaussian({.sites = sites, .a = options.a, .beta = options.beta});
  return {.name = "phi4_" + std::to_string(sites),
          .path = mcmc::geometric_path(
              mcmc::from_flow({std::make_shared<flows::FullGaussian>(base), {}}),
              mcmc::phi4_energy(options)),
          .sample = [chain](ad::View out, ad::Key key,
                            std::uint32_t first) { chain->sample(out, key, first); },
          .log_z = chain->log_z(),
          .positive = chain->positive_weight(sites / 2),
          .coordinate = sites / 2,
          // A trajectory has the length of the slowest waves, (d + 1) / pi / sqrt(beta c).
          .leapfrog_steps = sites,
          .step_size = 0.5 / std::sqrt(options.beta * options.a * double(sites))};
}

// Weights 2/3 and 1/3 at +1 and -1 in every coordinate, with a barrier of dim / 2 variances.
Problem mixture(std::size_t dim) {
  const double variance = 0.05, spread = std::sqrt(1 + variance);
  const mcmc::Target target =
      mcmc::isotropic_mixture({.weights = {2, 1},
                               .means = {std::vector<double>(dim, 1), std::vector<double>(dim, -1)},
                               .variances = {variance, variance}});
  return {.name = "mixture_" + std::to_string(dim),
          .path = mcmc::geometric_path(mcmc::gaussian_proposal(std::vector<double>(dim, 0),
                                                               std::vector<double>(dim, spread)),
                                       target.energy),
          .sample = target.sample,
          .positive = 2.0 / 3,
          .leapfrog_steps = 5,
          .step_size = 0.2};
}

struct Settings {
  std::size_t particles, finer;
  std::uint32_t smc_moves, ais_moves;
  double conditional_ess;
};

double weight_above_zero(ad::ConstView x, std::span<const double> log_weight, std::size_t j) {
  const double top = *std::ranges::max_element(log_weight);
  double sum = 0, above = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double w = std::exp(log_weight[i] - top);
    sum += w;
    if (x(i, j) > 0) above += w;
  }
  return above / sum;
}

// What all methods report, next to the exact values.
Row row(const Problem& problem, const std::string& method, const mcmc::LogZ& log_z) {
  return {{"target", problem.name},
          {"method", method},
          {"log_z", log_z.value},
          {"log_z_minus_exact", log_z.value - problem.log_z},
          {"standard_error", log_z.error},
          {"bound_minus_exact", nullptr},
          {"bound_error", nullptr},
          {"positive_mode", nullptr},
          {"exact_positive_mode", problem.positive},
          {"weight_ess", nullptr},
          {"temperatures", nullptr},
          {"seconds", nullptr}};
}

Row ais_row(const Problem& problem, const std::string& method, const mcmc::AisResult& r) {
  Row out = row(problem, method, r.log_z);
  out["bound_minus_exact"] = r.bound.value - problem.log_z;
  out["bound_error"] = r.bound.error;
  out["weight_ess"] = r.ess;
  out["temperatures"] = r.acceptance.size();
  return out;
}

// A sampler of a problem, with the state and the time of which it is kept.
struct Stage {
  Stage(RunFolder& folder, const std::string& name, std::size_t group)
      : keeper(folder, name, group, [this](ad::Archive& a) { a("watch", watch); }) {}
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Stopwatch watch;
  Checkpoint keeper;
};

// Sequential Monte Carlo finds temperatures and step sizes, between which annealing goes in finer
// steps, with draws of its own. Rows are also logged, to a group.
std::vector<Row> measure(const Problem& problem, const Settings& s, ad::Key key, std::size_t group,
                         RunFolder& folder, Report& report) {
  std::vector<Row> rows;
  const auto make = [&](const mcmc::Energy& energy) {
    return mcmc::Hmc(energy, problem.path.base.dim,
                     {.step_size = problem.step_size, .leapfrog_steps = problem.leapfrog_steps});
  };
  const auto add = [&](Row r, const Row& seconds) {
    r.erase("seconds");
    folder.log(group, r);
    r["seconds"] = seconds;
    rows.push_back(std::move(r));
    return !interrupted();
  };
  Stage smc_stage(folder, problem.name + "/smc", group);
  const mcmc::SmcResult smc = mcmc::smc(problem.path, make,
                                        {.particles = s.particles,
                                         .conditional_ess = s.conditional_ess,
                                         .moves = s.smc_moves,
                                         .target_accept = 0.8,
                                         .key = key.fork(0),
                                         .keeper = &smc_stage.keeper});
  if (!smc.complete) return rows;
  Row r = row(problem, "smc", smc.log_z);
  r["positive_mode"] = weight_above_zero(smc.x, smc.log_weight, problem.coordinate);
  r["weight_ess"] = smc.ess;
  r["temperatures"] = smc.levels.size();
  if (!add(r, smc_stage.watch.seconds())) return rows;

  Stage forward_stage(folder, problem.name + "/forward", group);
  mcmc::AisOptions options{.temperatures = mcmc::refined(smc.temperatures(), s.finer),
                           .moves = s.ais_moves,
                           .particles = s.particles,
                           .step_sizes = mcmc::stretched(smc.step_sizes(), s.finer),
                           .key = key.fork(1),
                           .keeper = &forward_stage.keeper};
  const mcmc::AisResult forward = mcmc::ais(problem.path, make, options);
  if (!forward.complete) return rows;
  r = ais_row(problem, "forward ais", forward);
  r["positive_mode"] = weight_above_zero(forward.x, forward.log_weight, problem.coordinate);
  if (!add(r, forward_stage.watch.seconds())) return rows;

  const Stopwatch draws_watch;
  ad::Tensor x({s.particles, problem.path.base.dim});
  problem.sample(x, key.fork(2), 0);
  r = row(problem, "exact draws", {});
  r["log_z"] = problem.log_z;
  r["log_z_minus_exact"] = r["standard_error"] = nullptr;
  r["positive_mode"] = weight_above_zero(x, std::vector<double>(s.particles), problem.coordinate);
  if (!add(r, draws_watch.seconds())) return rows;

  Stage reverse_stage(folder, problem.name + "/reverse", group);
  options.keeper = &reverse_stage.keeper;
  const mcmc::AisResult reverse = mcmc::reverse_ais(problem.path, make, x, options);
  if (!reverse.complete) return rows;
  add(ais_row(problem, "reverse ais", reverse), reverse_stage.watch.seconds());
  add(row(problem, "both ais (Bennett)", mcmc::bennett(forward.log_weight, reverse.log_weight)),
      nullptr);

  const bool bracket = forward.bound.value <= problem.log_z && problem.log_z <= reverse.bound.value;
  std::ostringstream text;
  text << std::fixed << std::setprecision(4) << problem.name << ": " << forward.bound.value
       << (forward.bound.value <= problem.log_z ? " <= " : " > ") << problem.log_z
       << (problem.log_z <= reverse.bound.value ? " <= " : " > ") << reverse.bound.value
       << ", the exact log Z between E log w forward and in reverse.";
  std::cout << text.str() << "\n";
  report.verdict(bracket ? Level::good : Level::bad, text.str());
  return rows;
}

void run(Cli& cli) {
  const auto target =
      cli.choice("target", "all", {"all", "phi4_32", "phi4_100", "mixture"}, "what to anneal to");
  const auto h = cli.get("h", 0.0025, "field of the phi^4 chains");
  const auto dim = cli.get<std::size_t>("dim", 16, "of the mixture", {.min = 1});
  const Settings settings{
      .particles = cli.get<std::size_t>("particles", cli.quick() ? 100 : 2000, "of every method",
                                        {.min = 2}),
      .finer = cli.get<std::size_t>("finer", cli.quick() ? 1 : 8,
                                    "temperatures of AIS to one of SMC", {.min = 1}),
      .smc_moves =
          cli.get("smc-moves", cli.quick() ? 1u : 2u, "HMC moves at a temperature", {.min = 1}),
      .ais_moves = cli.get("ais-moves", 1u, "HMC moves at a temperature", {.min = 1}),
      .conditional_ess = cli.get("conditional-ess", 0.9, "of SMC, as a part of the particles",
                                 {.max = 0.999, .above = 0})};
  cli.done();

  std::vector<Problem> problems;
  if (target == "all" || target == "phi4_32") problems.push_back(phi4(32, h));
  if (target == "all" || target == "phi4_100") problems.push_back(phi4(100, h));
  if (target == "all" || target == "mixture") problems.push_back(mixture(dim));

  RunFolder folder(cli);
  Report report("Annealing to known normalisers",
                "Annealed importance sampling from a base to the target bounds E log w from below "
                "log Z, from exact draws of the target to the base from above. Differences are to "
                "the exact log Z, in nats.");
  Table table("log Z by annealing");
  std::vector<Row> rows;
  for (std::size_t k = 0; k < problems.size() && !interrupted(); ++k) {
    const ad::Key key = ad::Key{cli.seed()}.fork(std::uint32_t(problems[k].path.base.dim));
    for (const Row& r : measure(problems[k], settings, key, k, folder, report)) {
      rows.push_back(r);
      table.add(r);
    }
  }
  std::cout << table.text() << "\n";
  report.table(table);
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(argc, argv, "Brackets log-normalisers by annealing forwards and backwards",
                         eqp::run);
}
