// Is a Markov kernel right? Puts one to the checks of mcmc/check.hpp and prints the verdict.
//
//   ./run check_kernel --kernel mala --target banana
//
// Expect: "passed" in every line for kernels with an accept step, and that ula, which has none,
// moves the law; some seconds on two cores. Exits 1 if a check fails. To check a kernel of your
// own, copy this file and make it in verdict_of().
#include <iostream>

#include "experiments/common/experiment.hpp"
#include "mcmc/alternate.hpp"
#include "mcmc/check.hpp"
#include "mcmc/hmc.hpp"
#include "mcmc/independent_mh.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/random_walk.hpp"
#include "mcmc/targets/banana.hpp"
#include "mcmc/targets/funnel.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/ula.hpp"

using namespace eqp;
using namespace eqp::mcmc;

namespace {

struct Settings {
  std::string kernel;
  double step_size;
  std::size_t leapfrog_steps, particles;
};

/// The one place where a kernel is made: from an energy u and a proposal q that covers its law,
/// both in q.dim dimensions. Write yours as
///   return check([&](const Energy& u, const Proposal& q) { return YourKernel(u, q.dim, ...); });
/// and checks.reversibility.reset() before, if it is not meant to be reversible.
Verdict verdict_of(const Settings& s, const Target& target, KernelChecks checks) {
  const auto check = [&](const auto& make) { return check_kernel(make, target, checks); };
  const auto mala = [&](const Energy& u, const Proposal& q) {
    return Mala(u, q.dim, {.step_size = s.step_size});
  };
  const auto isir = [&](const Energy& u, const Proposal& q) {
    return Isir(u, q, {.particles = s.particles});
  };
  if (s.kernel == "mala") return check(mala);
  if (s.kernel == "isir") return check(isir);
  if (s.kernel == "hmc") {
    return check([&](const Energy& u, const Proposal& q) {
      return Hmc(u, q.dim, {.step_size = s.step_size, .leapfrog_steps = s.leapfrog_steps});
    });
  }
  if (s.kernel == "random_walk") {
    return check([&](const Energy& u, const Proposal& q) {
      return RandomWalk(u, q.dim, {.step_size = s.step_size});
    });
  }
  if (s.kernel == "independent_mh") {
    return check([](const Energy& u, const Proposal& q) { return IndependentMh(u, q); });
  }
  if (s.kernel == "ula") {
    return check([&](const Energy& u, const Proposal& q) {
      return Ula(u, q.dim, {.step_size = s.step_size, .bound = 100});
    });
  }
  checks.reversibility.reset();  // a cycle of moves
  return check([&](const Energy& u, const Proposal& q) {
    return Alternate(isir(u, q), mala(u, q), {.global_steps = 1, .local_steps = 3});
  });
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

}  // namespace

int main(int argc, char** argv) {
  return experiment(argc, argv, "Checks of a Markov kernel", [](Cli& cli) {
    const std::string name =
        cli.choice("kernel", "mala",
                   {"mala", "hmc", "random_walk", "ula", "isir", "independent_mh", "alternate"},
                   "what is checked; alternate is isir and mala in turn");
    const std::string where =
        cli.choice("target", "mixture", {"mixture", "banana", "funnel", "gaussian"}, "the law");
    const Settings settings{
        name, cli.get("step-size", 0.3, "of kernels that have one", {.above = 0}),
        cli.get("leapfrog-steps", std::size_t(4), "of hmc", {.min = 1}),
        cli.get("particles", std::size_t(8), "of isir, the current one included", {.min = 2})};
    const auto steps =
        cli.get("steps", 5u, "from exact draws, before the law is judged", {.min = 1});
    const auto chains =
        cli.get("chains", cli.quick() ? std::size_t(4096) : std::size_t(65536),
                "from exact draws: twice as many find errors 1.4 times smaller", {.min = 200});
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

    const Target target = target_of(where);
    Verdict verdict = check_target(target, {.key = {cli.seed(), 1}});
    const Verdict kernel = verdict_of(settings, target, checks);
    verdict.checks.insert(verdict.checks.end(), kernel.checks.begin(), kernel.checks.end());
    std::cout << name << " on " << target.name << "\n" << str(verdict);
    if (!verdict.passed()) throw std::runtime_error(name + " is not exact, see the failed checks");
  });
}
