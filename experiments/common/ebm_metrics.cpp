#include "experiments/common/ebm_metrics.hpp"

#include <algorithm>

#include "experiments/common/interrupt.hpp"
#include "mcmc/diagnostics.hpp"
#include "mcmc/mode_weights.hpp"
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

// log Z between annealing from the flow's base and, from draws of the chains, back.
train::LogZBracket bracket(const mcmc::Energy& energy, const Problem& p, ad::ConstView draws,
                           ad::Key key) {
  const std::vector<double> mean(p.truth.dim), sd(p.truth.dim, std::sqrt(p.model.base_variance));
  return train::bracket_log_z(energy, mcmc::gaussian_proposal(mean, sd),
                              {.particles = 1024, .key = key}, draws);
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
  return m;
}

Row weight_metrics(const train::NegativeChains& chains, const Problem& p,
                   std::span<const double> masses, ad::Key key) {
  const ad::Tensor start = chains.starts();
  return {
      {"start_mse", squared_error(start, p.truth.modes, masses)},
      {"negatives_mse", squared_error(after_an_update(chains, start, key), p.truth.modes, masses)},
      {"model_mse", train::weight_error(masses, p.truth.weights).mse}};
}

ChainMetrics chain_metrics(const train::NegativeChains& chains, const Problem& p,
                           const Truth& truth, const mcmc::Energy& energy, bool normalisable,
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
  double off = 0, mcse = 0;
  for (std::size_t k = 0; k < modes.count; ++k) {
    const mcmc::Estimate w = weights.modes[k].weight;
    if (const double d = std::abs(w.value - p.truth.weights[k]); d >= off) off = d, mcse = w.mcse;
  }
  m.row = {{"max_rhat", mcmc::max_rhat(run.draws.view())},
           {"largest_weight_error", off},
           {"mcse", mcse}};
  if (!normalisable) return m;
  const train::LogZBracket log_z = bracket(energy, p, m.samples, key.fork(2));
  const train::DensityError error =
      train::density_error(train::evaluate(log_density(energy, p.truth.dim), truth.test),
                           log_z.best.value, truth.log_true);
  m.row["log_z"] = log_z.best.value;
  m.row["log_z_low"] = log_z.low;
  m.row["log_z_high"] = log_z.high;
  m.row["log_density_error"] = error.median_squared;
  m.row["kl"] = error.kl;
  return m;
}

double share_of_mode(ad::ConstView x, const train::Modes& modes, std::size_t mode) {
  return double(train::mode_counts(x, modes)[mode]) / double(x.rows());
}

}  // namespace eqp
