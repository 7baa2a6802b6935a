#include <boost/test/unit_test.hpp>
#include <functional>

#include "flows/base.hpp"
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
#include "mcmc/targets/gaussian_mixture.hpp"
#include "mcmc/tempering.hpp"
#include "mcmc/ula.hpp"

// Every kernel of the library against the suite of checks: a kernel is a line of the table.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// Weights 0.3 and 0.7; no symmetry, and local kernels cross.
Target lopsided() {
  Target t =
      gaussian_mixture({.weights = {0.3, 0.7},
                        .means = {{-1.0, -0.6}, {1.1, 0.8}},
                        .covariances = {{0.35, 0.10, 0.10, 0.25}, {0.40, -0.15, -0.15, 0.50}}});
  t.name = "a lopsided mixture";
  return t;
}

/// What a kernel should come to. Local kernels keep the defaults; others say what they need.
struct Line {
  std::string name;
  std::function<Verdict(const Target&, const KernelChecks&)> check;
  bool reversible = true, hidden = false;
};

template <KernelMaker Make>
Line line(const std::string& name, const Make& make) {
  return {name, [=](const Target& t, const KernelChecks& o) { return check_kernel(make, t, o); }};
}

/// For kernels that go through a cycle of moves.
template <KernelMaker Make>
Line cycle(const std::string& name, const Make& make) {
  Line l = line(name, make);
  l.reversible = false;
  return l;
}

/// For kernels whose state is more than positions, so that exact positions are not an exact start.
template <KernelMaker Make>
Line hidden(const std::string& name, const Make& make) {
  Line l = cycle(name, make);
  l.hidden = true;
  return l;
}

Mala mala(const Energy& u, const Proposal& q) { return {u, q.dim, {.step_size = 0.4}}; }
RandomWalk walk(const Energy& u, const Proposal& q) { return {u, q.dim, {.step_size = 1.0}}; }
Hmc hmc(const Energy& u, const Proposal& q) {
  return {u, q.dim, {.step_size = 0.5, .leapfrog_steps = 3}};
}
IndependentMh independent(const Energy& u, const Proposal& q) { return {u, q}; }
Isir isir_2(const Energy& u, const Proposal& q) { return {u, q, {.particles = 2}}; }
Isir isir_12(const Energy& u, const Proposal& q) { return {u, q, {.particles = 12}}; }

Hmc jittered_hmc(const Energy& u, const Proposal& q) {
  const double variances[] = {0.5, 2};
  return {u,
          q.dim,
          {.step_size = 0.5,
           .leapfrog_steps = 3,
           .jitter = 0.5,
           .metric = Metric::diagonal({variances, q.dim})}};
}
Nuts nuts(const Energy& u, const Proposal& q) { return {u, q.dim, {.step_size = 0.9}}; }
Barker barker(const Energy& u, const Proposal& q) { return {u, q.dim, {.step_size = 0.9}}; }
EllipticalSlice slice(const Energy& u, const Proposal& q) {
  return {u, std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(q.dim, 4)), {}};
}
ParallelTempering<Mala> tempered(const Energy& u, const Proposal& q) {
  const auto make = [dim = q.dim](const Energy& at_beta, double beta) {
    return Mala(at_beta, dim, {.step_size = 0.4 / beta});
  };
  return ParallelTempering<Mala>(u, q.dim, make, {.betas = {1, 0.5, 0.2}, .local_steps = 1});
}

/// Step sizes are large, so that the accept step matters.
std::vector<Line> kernels() {
  return {
      line("mala", mala),
      line("random walk", walk),
      line("hmc", hmc),
      line("hmc with a metric and jitter", jittered_hmc),
      line("nuts", nuts),
      line("barker", barker),
      line("elliptical slice", slice),
      hidden("parallel tempering", tempered),
      line("independent mh", independent),
      line("isir 2", isir_2),
      line("isir 12", isir_12),
      cycle("isir and mala",
            [](const Energy& u, const Proposal& q) {
              return Alternate(isir_12(u, q), mala(u, q), {.global_steps = 1, .local_steps = 3});
            }),
      cycle("independent mh and random walk, move by move",
            [](const Energy& u, const Proposal& q) {
              return Alternate(independent(u, q), walk(u, q),
                               {.local_steps = 2, .step = Step::move});
            }),
  };
}

KernelChecks checks_for(const Line& kernel, std::uint64_t seed) {
  KernelChecks checks{.key = {.seed = seed}};
  checks.joint->replicates = 2048;
  checks.calibration->replicates = 256;
  if (!kernel.reversible) checks.reversibility.reset();
  if (!kernel.hidden) return checks;
  checks.stationarity->steps = 60;
  checks.joint.reset();
  return checks;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(all_kernels)

BOOST_AUTO_TEST_CASE(every_exact_kernel_passes_on_asymmetric_targets) {
  // A correct library fails with probability 2e-3 per kernel; seeds are fixed.
  const Target mixture = lopsided(), bent = banana({.dim = 2, .std = 1.4, .curvature = 0.4});
  for (const Line& kernel : kernels()) {
    const Verdict full = kernel.check(mixture, checks_for(kernel, 300));
    BOOST_TEST_MESSAGE(kernel.name << "\n" << str(full));
    BOOST_TEST(full.passed(), kernel.name << ":\n" << str(full));
    BOOST_TEST((full["reversibility"].outcome == Outcome::not_applicable) == !kernel.reversible);
    // The model's checks do not depend on the target.
    KernelChecks rest = checks_for(kernel, 301);
    rest.joint.reset();
    rest.calibration.reset();
    const Verdict second = kernel.check(bent, rest);
    BOOST_TEST(second.passed(), kernel.name << ":\n" << str(second));
  }
}

BOOST_AUTO_TEST_CASE(unadjusted_langevin_is_found_to_be_biased) {
  const auto ula = [](const Energy& u, const Proposal& q) {
    return Ula(u, q.dim, {.step_size = 0.2, .bound = 20});
  };
  const Verdict verdict = check_kernel(ula, lopsided(), {.key = {.seed = 302}});
  BOOST_TEST_MESSAGE(str(verdict));
  BOOST_TEST(!verdict.passed());
  BOOST_TEST((verdict["stationarity"].outcome == Outcome::failed));
  BOOST_TEST(verdict["stationarity"].statistic > 20);
}

BOOST_AUTO_TEST_SUITE_END()
