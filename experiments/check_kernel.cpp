// Is a Markov kernel right? Puts kernels to the checks of mcmc/check.hpp and prints the verdicts.
//
//   ./run check_kernel --kernel mala --target banana
//
// Expect: every check passed, but those of ula, which has no accept step and moves the law; half a
// minute on two cores for all kernels. Exits 1 if a check fails. To check a kernel of your own,
// copy this file and add a line to candidates().
#include <iostream>

#include "experiments/common/experiment.hpp"
#include "experiments/common/finished.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "flows/base.hpp"
#include "mcmc/ais.hpp"
#include "mcmc/alternate.hpp"
#include "mcmc/barker.hpp"
#include "mcmc/check.hpp"
#include "mcmc/elliptical_slice.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/nuts.hpp"
#include "mcmc/random_walk.hpp"
#include "mcmc/targets/banana.hpp"
#include "mcmc/targets/funnel.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/tempering.hpp"
#include "mcmc/ula.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

constexpr const char* kUla = "ula";

struct Settings {
  double step_size = 0.4;
  std::size_t leapfrog_steps = 4, particles = 8, temperatures = 20;
};

/// A kernel, or what else draws from a target, and the checks it is put to.
struct Candidate {
  std::string name;
  std::function<Verdict(const Target&, KernelChecks)> verdict;
};

template <KernelMaker Make>
Candidate candidate(const std::string& name, const Make& make) {
  return {name, [=](const Target& t, const KernelChecks& checks) {
            return check_kernel(make, t, checks);
          }};
}

/// Of a kernel that is not meant to be reversible: one that goes through a cycle of moves.
template <KernelMaker Make>
Candidate cycle(const std::string& name, const Make& make) {
  return {name, [=](const Target& t, KernelChecks checks) {
            checks.reversibility.reset();
            return check_kernel(make, t, checks);
          }};
}

/// Of a kernel whose state is more than positions, so that exact positions are not an exact start:
/// it needs steps to get there.
template <KernelMaker Make>
Candidate hidden(const std::string& name, std::uint32_t steps, const Make& make) {
  return {name, [=](const Target& t, KernelChecks checks) {
            checks.stationarity->steps = std::max(checks.stationarity->steps, steps);
            checks.reversibility.reset();
            checks.joint.reset();
            return check_kernel(make, t, checks);
          }};
}

/// Of annealed importance sampling, which moves by a kernel but is right by its weights.
template <KernelMaker Make>
Candidate annealed(const std::string& name, std::size_t temperatures, const Make& make) {
  return {
      name, [=](const Target& t, const KernelChecks& checks) {
        const Proposal base = covering(t);
        const AisResult r =
            ais(geometric_path(base, t.energy), [&](const Energy& u) { return make(u, base); },
                {.temperatures = even_temperatures(temperatures),
                 .particles = checks.stationarity->chains,
                 .key = checks.key.fork(0)});
        return Verdict{{check_weights(
            r.x, r.log_weight, t, {.false_alarm = checks.false_alarm, .key = checks.key.fork(1)})}};
      }};
}

/// Kernels are made from an energy u and a proposal q that covers its law, in q.dim dimensions.
/// Write yours as
///   candidate("mine", [](const Energy& u, const Proposal& q) { return Mine(u, q.dim, ...); })
std::vector<Candidate> candidates(const Settings& s) {
  const double h = s.step_size;
  const auto mala = [=](const Energy& u, const Proposal& q) {
    return Mala(u, q.dim, {.step_size = h});
  };
  const auto isir = [n = s.particles](const Energy& u, const Proposal& q) {
    return Isir(u, q, {.particles = n});
  };
  return {
      candidate("mala", mala),
      candidate("hmc",
                [h, n = s.leapfrog_steps](const Energy& u, const Proposal& q) {
                  return Hmc(u, q.dim, {.step_size = h, .leapfrog_steps = n});
                }),
      candidate("nuts", [=](const Energy& u,
                            const Proposal& q) { return Nuts(u, q.dim, {.step_size = h}); }),
      candidate("barker", [=](const Energy& u,
                              const Proposal& q) { return Barker(u, q.dim, {.step_size = h}); }),
      candidate("random_walk",
                [=](const Energy& u, const Proposal& q) {
                  return RandomWalk(u, q.dim, {.step_size = h});
                }),
      candidate("elliptical_slice",
                [](const Energy& u, const Proposal& q) {
                  const auto base = flows::standard_normal(q.dim, 4);
                  return EllipticalSlice(u, std::make_shared<flows::DiagonalGaussian>(base), {});
                }),
      hidden("parallel_tempering", 60,
             [=](const Energy& u, const Proposal& q) {
               const auto local = [h, dim = q.dim](const Energy& tempered, double beta) {
                 return Mala(tempered, dim, {.step_size = h / beta});
               };
               return ParallelTempering<Mala>(u, q.dim, local,
                                              {.betas = {1, 0.5, 0.2}, .local_steps = 1});
             }),
      candidate("isir", isir),
      candidate("independent_mh",
                [](const Energy& u, const Proposal& q) { return IndependentMh(u, q); }),
      cycle("alternate",
            [=](const Energy& u, const Proposal& q) {
              return Alternate(isir(u, q), mala(u, q), {.global_steps = 1, .local_steps = 3});
            }),
      annealed("ais", s.temperatures, mala),
      candidate(kUla, [=](const Energy& u, const Proposal& q) {
        return Ula(u, q.dim, {.step_size = h, .bound = 100});
      })};
}

/// Targets without a symmetry that could hide an error of sign.
Target target_of(const std::string& name) {
  if (name == "banana") return banana({.dim = 2, .std = 1.4, .curvature = 0.4});
  if (name == "funnel") return funnel({.dim = 3, .variance = 1});
  if (name == "gaussian") {
    return gaussian(
        {.mean = {1, -2, 0.5}, .covariance = {1.3, 0.6, 0.1, 0.6, 0.8, -0.2, 0.1, -0.2, 1.1}});
  }
  return isotropic_mixture(
      {.weights = {0.3, 0.7}, .means = {{-1.0, -0.6}, {1.1, 0.8}}, .variances = {0.3, 0.5}});
}

std::vector<Row> rows_of(const std::string& who, const std::string& target,
                         const Verdict& verdict) {
  std::vector<Row> rows;
  for (const Check& c : verdict.checks) {
    if (c.outcome == Outcome::not_applicable) continue;
    rows.push_back({{"kernel", who},
                    {"target", target},
                    {"check", c.name},
                    {"passed", c.outcome == Outcome::passed},
                    {"statistic", c.statistic},
                    {"threshold", c.threshold},
                    {"sentence", c.sentence}});
  }
  return rows;
}

void run(Cli& cli) {
  std::vector<std::string> names{"all"};
  for (const Candidate& c : candidates({})) names.push_back(c.name);
  const std::vector<std::string> laws{"mixture", "banana", "funnel", "gaussian"};
  std::vector<std::string> choices{"all"};
  choices.insert(choices.end(), laws.begin(), laws.end());
  const auto chosen = cli.choice("kernel", "all", names,
                                 "what is checked; all: but ula, which is not exact. alternate is "
                                 "isir and mala in turn");
  const auto law = cli.choice("target", "mixture", choices, "the law");
  const Settings settings{
      cli.get("step-size", 0.4, "of kernels that have one", {.above = 0}),
      cli.get("leapfrog-steps", std::size_t(4), "of hmc", {.min = 1}),
      cli.get("particles", std::size_t(8), "of isir, the current one included", {.min = 2}),
      cli.get("temperatures", std::size_t(20), "of ais", {.min = 1})};
  const auto steps = cli.get("steps", 5u, "from exact draws, before the law is judged", {.min = 1});
  const auto chains =
      cli.get("chains", cli.quick() ? std::size_t(16384) : std::size_t(65536),
              "from exact draws: twice as many find errors 1.4 times smaller", {.min = 300});
  const auto replicates = cli.get(
      "replicates", cli.quick() ? std::size_t(256) : std::size_t(2048),
      "of simulation-based calibration; Geweke's test has eight times as many", {.min = 100});
  const auto false_alarm = cli.get("false-alarm", 1e-3, "probability that a right kernel fails",
                                   {.max = 0.5, .above = 0});
  cli.done();

  KernelChecks checks{.false_alarm = false_alarm, .key = {cli.seed(), 0}};
  checks.stationarity->chains = checks.reversibility->chains = chains;
  checks.stationarity->steps = steps;
  checks.joint->replicates = 8 * replicates;
  checks.calibration->replicates = replicates;

  RunFolder folder(cli);
  Finished finished(folder);
  Report report(
      "Checks of Markov kernels",
      "Statistics are numbers of standard errors; a right kernel exceeds a threshold with "
      "a small probability only, " +
          shown(Row(false_alarm)) + " for all checks of a kernel together.");
  std::vector<Row> all;
  std::string failures;
  const auto add = [&](const std::string& who, const std::string& where, const auto& verdict) {
    if (interrupted()) return;
    Table table(who + " on " + where);
    bool passed = true;
    for (const Row& row :
         finished.rows(where + "/" + who, [&] { return rows_of(who, where, verdict()); })) {
      all.push_back(row);
      table.add(row);
      passed = passed && row["passed"];
    }
    std::cout << table.text() << "\n" << std::flush;
    report.table(table);
    if (!passed) failures += (failures.empty() ? "" : ", ") + who + " on " + where;
  };
  for (const std::string& where : laws) {
    if (law != "all" && law != where) continue;
    const Target target = target_of(where);
    add("the target", where, [&] { return check_target(target, {.key = {cli.seed(), 1}}); });
    for (const Candidate& c : candidates(settings)) {
      if (chosen == "all" ? c.name == kUla : c.name != chosen) continue;
      add(c.name, where, [&] { return c.verdict(target, checks); });
    }
    // They have a model of their own, which no target changes.
    checks.joint.reset();
    checks.calibration.reset();
  }
  report.verdict(failures.empty() ? Level::good : Level::bad,
                 failures.empty() ? "Nothing failed." : "Failed: " + failures + ".");
  folder.finish(std::move(report), all);
  if (!failures.empty()) throw std::runtime_error("not exact, see the failed checks: " + failures);
}

}  // namespace

int main(int argc, char** argv) { return experiment(argc, argv, "Checks of Markov kernels", run); }
