#include <boost/test/unit_test.hpp>

#include "mcmc/check.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/mcmc/planted.hpp"
#include "tests/mcmc/planted_tempering.hpp"

// Errors planted in kernels are found, and far from marginally.
using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;

namespace {

Target lopsided() {
  return isotropic_mixture(
      {.weights = {0.3, 0.7}, .means = {{-1.0, -0.6}, {1.1, 0.8}}, .variances = {0.3, 0.5}});
}

Target correlated() { return gaussian({.mean = {1, -2}, .covariance = {1.3, 0.9, 0.9, 1.0}}); }

auto local(PlantedLocal::Step step, Flaw flaw) {
  return [=](const Energy& u, const Proposal& q) { return PlantedLocal(u, q.dim, step, flaw); };
}

auto independent(std::size_t particles, Flaw flaw) {
  return
      [=](const Energy& u, const Proposal& q) { return PlantedIndependent(u, q, particles, flaw); };
}

struct Planted {
  std::string name;
  std::function<Verdict(const KernelChecks&)> check;
};

template <class Make>
Planted planted(const std::string& name, const Make& make) {
  return {name, [=](const KernelChecks& o) { return check_kernel(make, lopsided(), o); }};
}

/// Sizes for which the whole file takes some seconds; a broken kernel may have any autocorrelation.
KernelChecks small(std::uint64_t seed) {
  KernelChecks checks{.key = {.seed = seed}};
  checks.joint->replicates = 2048;
  checks.calibration->replicates = 256;
  checks.calibration->thin = 10;
  checks.calibration->warmup = 100;
  return checks;
}

/// The suite for a kernel that needs many steps to forget where its hidden state began.
KernelChecks patient(std::uint64_t seed) {
  KernelChecks checks = small(seed);
  checks.stationarity->steps = 60;
  checks.reversibility.reset();
  checks.joint.reset();
  return checks;
}

Verdict tempered(Flaw flaw) {
  const auto make = [=](const Energy& u, const Proposal& q) {
    return PlantedTempering(u, q.dim, flaw);
  };
  return check_kernel(make, lopsided(), patient(403));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_planted)

BOOST_AUTO_TEST_CASE(the_same_kernels_without_an_error_pass) {
  const std::vector<Planted> right{
      planted("mala", local(mala_step, Flaw::none)),
      planted("hmc", local(hmc_step, Flaw::none)),
      planted("walk", local(walk_step, Flaw::none)),
      planted("independent mh", independent(2, Flaw::none)),
      planted("isir", independent(5, Flaw::none)),
  };
  for (const Planted& p : right) {
    const Verdict verdict = p.check(small(400));
    BOOST_TEST(verdict.passed(), p.name << ":\n" << str(verdict));
  }
}

BOOST_AUTO_TEST_CASE(every_planted_error_is_found) {
  const std::vector<Planted> wrong{
      planted("mala: drift sign", local(mala_step, Flaw::mala_drift_sign)),
      planted("mala: no correction", local(mala_step, Flaw::mala_no_correction)),
      planted("hmc: no kinetic energy", local(hmc_step, Flaw::hmc_no_kinetic)),
      planted("hmc: sign of the kinetic energy", local(hmc_step, Flaw::hmc_kinetic_sign)),
      planted("hmc: stale gradient", local(hmc_step, Flaw::hmc_stale_gradient)),
      planted("walk: uphill", local(walk_step, Flaw::walk_accept_sign)),
      planted("independent mh: reversed", independent(2, Flaw::independent_reversed)),
      planted("isir: weight sign", independent(5, Flaw::isir_weight_sign)),
      planted("isir: no proposal density", independent(5, Flaw::isir_forgets_proposal)),
  };
  for (const Planted& p : wrong) {
    const Verdict verdict = p.check(small(401));
    BOOST_TEST_MESSAGE(p.name << "\n" << str(verdict));
    BOOST_TEST(!verdict.passed(), p.name);
    // Thresholds are below 5; the least is the stale gradient's.
    BOOST_TEST(verdict["stationarity"].statistic > 8, p.name << ":\n" << str(verdict));
  }
}

BOOST_AUTO_TEST_CASE(a_stationary_chain_that_is_not_reversible_fails_that_check_only) {
  const Verdict verdict = check_kernel(local(walk_step, Flaw::scan), correlated(), small(402));
  BOOST_TEST_MESSAGE(str(verdict));
  for (const Check& c : verdict.checks) {
    BOOST_TEST((c.outcome == Outcome::failed) == (c.name == "reversibility"), c.sentence);
  }
  BOOST_TEST(verdict["reversibility"].statistic > 10);
}

BOOST_AUTO_TEST_CASE(a_sign_error_in_exchanges_of_temperatures_is_found) {
  const Verdict right = tempered(Flaw::none);
  BOOST_TEST(right.passed(), str(right));
  const Verdict verdict = tempered(Flaw::tempering_swap_sign);
  BOOST_TEST_MESSAGE(str(verdict));
  BOOST_TEST(verdict["stationarity"].statistic > 10);
}

BOOST_AUTO_TEST_SUITE_END()
