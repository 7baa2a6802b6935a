#include "experiments/common/ebm_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "experiments/common/findings.hpp"
#include "experiments/common/interrupt.hpp"
#include "mcmc/diagnostics.hpp"
#include "mcmc/mode_weights.hpp"
#include "train/metrics/annealed_masses.hpp"
#include "train/metrics/density_error.hpp"
#include "train/metrics/grid_draws.hpp"
#include "train/metrics/likelihood.hpp"
#include "train/metrics/wasserstein.hpp"

namespace eqp {
namespace {

constexpr std::size_t kSampling = 400;  // cells per axis
constexpr std::size_t kChains = 128;
constexpr std::uint32_t kDraws = 1000;

ad::Tensor first_rows(const ad::Tensor& x, std::size_t n) {
  return ad::Tensor(x.view().slice(0, std::min(n, x.rows())));
}

// Where the steps of an update take chains from x0.
ad::Tensor after_an_update(const train::NegativeChains& chains, ad::ConstView x0, ad::Key key) {
  return chains
      .run(x0, {.steps = chains.steps, .thin = chains.steps, .key = key, .stop = interrupted})
      .last;
}

double squared_error(ad::ConstView x, const train::Modes& modes, std::span<const double> weights) {
  return train::weight_error(train::mode_counts(x, modes), x.rows(), weights).error.mse;
}

// The estimate that is furthest from what is exact.
mcmc::Estimate largest_error(const std::vector<mcmc::Estimate>& weights,
                             std::span<const double> exact) {
  mcmc::Estimate off{0, 0};
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double d = std::abs(weights[k].value - exact[k]);
    if (d >= off.value) off = {d, weights[k].mcse};
  }
  return off;
}

mcmc::Estimate mass_error(const AnnealedModel& model, const Problem& p, ad::ConstView draws,
                          ad::Key key) {
  const auto bases = train::region_bases(draws, p.truth.modes, {.fallback = model.base});
  std::vector<mcmc::Estimate> masses;
  for (const train::RegionMass& r :
       train::annealed_masses(model.energy, p.truth.modes, bases, {.key = key})) {
    masses.push_back({r.mass, r.standard_error});
  }
  return largest_error(masses, p.truth.weights);
}

Row density_metrics(const AnnealedModel& model, const Truth& truth, ad::ConstView draws,
                    ad::Key key) {
  const train::LogZBracket log_z = train::bracket_log_z(
      model.energy, model.base, {.annealing = {.particles = 1024, .key = key}}, draws);
  const train::Likelihood test = train::likelihood(model.energy, log_z, truth.test);
  const std::size_t dim = truth.test.cols();
  const train::DensityError error =
      train::density_error(train::evaluate(log_density(model.energy, dim), truth.test),
                           log_z.best.value, truth.log_true);
  double true_log_prob = 0;
  for (const double l : truth.log_true) true_log_prob += l / double(truth.log_true.size());
  return {{"log_z", log_z.best.value},
          {"log_z_low", log_z.low},
          {"log_z_high", log_z.high},
          {"test_log_prob", test.nats},
          {"test_log_prob_low", test.low},
          {"test_log_prob_high", test.high},
          {"true_log_prob", true_log_prob},
          {"bits_per_dim", test.bits_per_dim(dim)},
          {"log_density_error", error.median_squared},
          {"kl", error.kl}};
}

}  // namespace

Truth exact_samples(const Problem& problem, std::size_t n_samples, ad::Key key) {
  const train::Distribution& truth = problem.truth;
  Truth r{.samples = train::draw(truth, n_samples, key.fork(1)),
          .test = train::draw(truth, 10000, key.fork(2))};
  r.log_true = train::log_prob(truth, r.test);
  if (!problem.planar()) return r;
  r.w2_floor = train::sampling_floor(
                   train::w2,
                   [&](std::size_t k) {
                     return train::draw(truth, n_samples, key.fork(3).fork(std::uint32_t(k)));
                   },
                   4)
                   .mean;
  return r;
}

PlaneMetrics plane_metrics(const Problem& p, const Truth& truth, const train::LogDensity& model,
                           std::size_t points, ad::Key key) {
  const train::Quadrature z = train::integrate(model, p.box, p.truth.modes, p.quadrature);
  if (!std::isfinite(z.log_z)) {
    throw std::runtime_error("its end: log Z of the trained energy is " + std::to_string(z.log_z));
  }
  const train::DensityError error =
      train::density_error(train::evaluate(model, truth.test), z.log_z, truth.log_true);
  const train::Grid fine = train::evaluate_grid(model, p.box, kSampling, kSampling);
  PlaneMetrics m{.masses = z.masses,
                 .samples = train::draw_from_grid(fine, truth.samples.rows(), key)};
  m.row = {{"mode_weight_error", train::weight_error(z.masses, p.truth.weights).rmse},
           {"mode_weight_se", std::sqrt(train::weight_error_floor(p.truth.weights, points))},
           {"w2", train::w2(m.samples, truth.samples)},
           {"w2_floor", truth.w2_floor},
           {"sliced_w2", train::sliced_w2(m.samples, truth.samples)},
           {"log_density_error", error.median_squared},
           {"kl", error.kl}};
  m.doubt = doubt(z);
  return m;
}

Row weight_metrics(const train::NegativeChains& chains, const Problem& p, ad::ConstView data,
                   std::span<const double> masses, ad::Key key) {
  const ad::Tensor start = chains.starts();
  return {
      {"start_mse", squared_error(start, p.truth.modes, masses)},
      {"negatives_mse", squared_error(after_an_update(chains, start, key), p.truth.modes, masses)},
      {"model_mse", train::weight_error(masses, p.truth.weights).mse},
      {"data_mse", squared_error(data, p.truth.modes, p.truth.weights)}};
}

ChainMetrics chain_metrics(const train::NegativeChains& chains, const Problem& p,
                           const Truth& truth, const std::optional<AnnealedModel>& model,
                           ad::Key key) {
  const ad::Tensor start = chains.starts();
  ChainMetrics m{.samples =
                     after_an_update(chains, first_rows(start, truth.samples.rows()), key.fork(0))};
  const mcmc::RunResult run = chains.run(
      first_rows(start, kChains), {.steps = kDraws, .key = key.fork(1), .stop = interrupted});
  if (interrupted()) return m;

  const train::Modes& modes = p.truth.modes;
  const mcmc::ModeWeights weights =
      mcmc::mode_weights(mcmc::label(run.draws.view(), modes.count, [&](std::span<const Real> x) {
        return std::uint32_t(modes.of(x));
      }));
  std::vector<mcmc::Estimate> of_chains;
  for (const auto& mode : weights.modes) of_chains.push_back(mode.weight);
  const mcmc::Estimate weight_error = largest_error(of_chains, p.truth.weights);
  m.row = {{"max_rhat", mcmc::max_rhat(run.draws.view())},
           {"largest_weight_error", weight_error.value},
           {"mcse", weight_error.mcse}};
  if (!model) return m;
  const mcmc::Estimate energy_error = mass_error(*model, p, m.samples, key.fork(3));
  m.row["energy_weight_error"] = energy_error.value;
  m.row["energy_weight_se"] = energy_error.mcse;
  m.row.update(density_metrics(*model, truth, m.samples, key.fork(2)));
  return m;
}

double share_of_mode(ad::ConstView x, const train::Modes& modes, std::size_t mode) {
  return double(train::mode_counts(x, modes)[mode]) / double(x.rows());
}

}  // namespace eqp
