#include "mcmc/hmc.hpp"

#include <stdexcept>

#include "benchmarks/sampler.hpp"
#include "mcmc/targets/posteriors/logistic_regression.hpp"

// W8: Hamiltonian Monte Carlo on two targets without a network.
namespace eqp::bench {
namespace {

constexpr std::size_t kLeapfrogSteps = 10;

std::unique_ptr<Workload> hmc(const Case& c, Landscape landscape) {
  return std::make_unique<Sampler<mcmc::Hmc>>(
      c, std::move(landscape),
      mcmc::Hmc::Options{.step_size = c.step_size, .leapfrog_steps = kLeapfrogSteps},
      kLeapfrogSteps);
}

// The precision of a stationary first-order autoregression, whose covariance is rho^|i-j|.
ad::Tensor precision(std::size_t d) {
  constexpr double rho = 0.9;
  ad::Tensor p({d, d});
  for (std::size_t i = 0; i < d; ++i) {
    const bool inner = i > 0 && i + 1 < d;
    p(i, i) = Real((inner ? 1 + rho * rho : 1) / (1 - rho * rho));
    if (i > 0) p(i, i - 1) = p(i - 1, i) = Real(-rho / (1 - rho * rho));
  }
  return p;
}

}  // namespace

std::unique_ptr<Workload> hmc_gaussian(const Case& c) {
  const ad::Tensor p = precision(c.d);
  const auto energy = [=](ad::Var x) { return 0.5 * sum(x * matmul(x, x.tape->constant(p)), 1); };
  return hmc(c, {.energy = energy,
                 .start = ad::normal({c.rows, c.d}, kData),
                 .write = [=](ad::Params& file) { put(file, "precision", p); }});
}

std::unique_ptr<Workload> hmc_credit(const Case& c) {
  const auto credit = mcmc::read_german_credit(mcmc::posterior_data() / "german_credit.csv");
  const std::size_t d = credit.features.cols();
  if (c.d != d) {
    throw std::invalid_argument(c.workload + ": d is " + std::to_string(c.d) + ", expected " +
                                std::to_string(d));
  }
  ad::Tensor start = ad::normal({c.rows, d}, kData);
  for (Real& v : start.flat()) v *= Real(0.1);
  ad::Tensor signed_features = credit.features;
  for (std::size_t i = 0; i < signed_features.rows(); ++i) {
    for (Real& v : signed_features.row(i)) v *= credit.labels[i];
  }
  const auto energy = [=](ad::Var b) {
    const ad::Var margin = matmul(b, b.tape->constant(signed_features), {.b = true});
    return sum(softplus(-margin), 1) + 0.5 * sum(square(b), 1);
  };
  const auto write = [=](ad::Params& file) {
    put(file, "features", credit.features);
    put(file, "labels", credit.labels);
  };
  return hmc(c, {.energy = energy, .start = std::move(start), .write = write});
}

}  // namespace eqp::bench
