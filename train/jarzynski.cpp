#include "train/jarzynski.hpp"

#include <cmath>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "mcmc/log_weights.hpp"
#include "mcmc/resample.hpp"
#include "train/evaluate_rows.hpp"

namespace eqp::train {

namespace {

ad::Batched compiled(const mcmc::Energy& energy, std::size_t dim) {
  return {{{dim}}, [=](std::span<const ad::Var> x) -> ad::Vars { return {energy(x[0])}; }};
}

std::vector<double> energies(const ad::Batched& energy, ad::ConstView x) {
  ad::Tensor u({x.rows()});
  evaluate_rows(energy, x, u);
  for (const Real v : u.flat()) {
    if (!std::isfinite(v)) {
      throw std::runtime_error("jarzynski: a state of the bank has an energy of " +
                               std::to_string(v));
    }
  }
  return {u.flat().begin(), u.flat().end()};
}

}  // namespace

JarzynskiWeights::JarzynskiWeights(const mcmc::Energy& energy, const mcmc::Energy& start,
                                   ad::ConstView states, const JarzynskiOptions& options,
                                   ad::Key key)
    : options_(options),
      evaluate_(compiled(energy, states.cols())),
      key_(key),
      log_weight_(states.rows()),
      energy_(energies(compiled(start, states.cols()), states)) {
  if (options.resample_below >= 0 && options.resample_below <= 1 && options.every > 0) return;
  std::ostringstream text;
  text << "jarzynski: resample_below " << options.resample_below << ", every " << options.every
       << "; need a share between 0 and 1, and at least 1";
  throw std::invalid_argument(text.str());
}

void JarzynskiWeights::look(std::uint32_t t, Bank& bank) {
  if (t % options_.every != 0) return;
  std::vector<std::size_t> all(log_weight_.size());
  std::iota(all.begin(), all.end(), 0);
  arrive(all, bank.states());
  ess_ = mcmc::importance_ess(log_weight_) / double(all.size());
  log_z_ = mcmc::log_mean_exp(log_weight_);
  if (ess_ >= options_.resample_below) return;
  const auto parents = mcmc::resample(mcmc::Resampling::systematic, log_weight_, key_, t);
  bank.replace(parents);
  std::vector<double> energy(energy_.size());
  for (std::size_t i = 0; i < parents.size(); ++i) energy[i] = energy_[parents[i]];
  energy_ = std::move(energy);
  std::ranges::fill(log_weight_, log_z_);
}

void JarzynskiWeights::arrive(std::span<const std::size_t> slots, ad::ConstView x) {
  const std::vector<double> now = energies(evaluate_, x);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    log_weight_[slots[i]] += energy_[slots[i]] - now[i];
    energy_[slots[i]] = now[i];
  }
}

void JarzynskiWeights::leave(std::span<const std::size_t> slots, ad::ConstView x) {
  const std::vector<double> now = energies(evaluate_, x);
  for (std::size_t i = 0; i < slots.size(); ++i) energy_[slots[i]] = now[i];
}

std::vector<double> JarzynskiWeights::of(std::span<const std::size_t> slots) const {
  std::vector<double> w(slots.size());
  std::ranges::transform(slots, w.begin(), [&](std::size_t i) { return log_weight_[i]; });
  w = mcmc::normalised("jarzynski", w);
  for (double& v : w) v *= double(w.size());
  return w;
}

}  // namespace eqp::train
