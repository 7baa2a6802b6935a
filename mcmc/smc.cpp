#include "mcmc/smc.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {
namespace {

void check_part(const char* name, double value) {
  if (value > 0 && value < 1) return;
  std::ostringstream text;
  text << "smc: " << name << " " << value << "; need a number between 0 and 1";
  throw std::invalid_argument(text.str());
}

}  // namespace

std::vector<double> SmcResult::temperatures() const {
  std::vector<double> b{0};
  for (const Level& level : levels) b.push_back(level.b);
  return b;
}

std::vector<double> SmcResult::step_sizes() const {
  std::vector<double> h;
  for (const Level& level : levels) h.push_back(level.step_size);
  return h;
}

void SmcResult::archive(ad::Archive& a) {
  a("log_weight", log_weight);
  a("ancestor", ancestor);
  a("resamplings", resamplings);
  a("log_z", log_z.value);
  constexpr std::size_t kColumns = 5;
  std::vector<double> columns;
  for (const Level& l : levels) {
    columns.insert(columns.end(), {l.b, l.ess, double(l.resampled), l.acceptance, l.step_size});
  }
  a("levels", columns);
  if (!a.reading()) return;
  levels.clear();
  for (std::size_t i = 0; i + kColumns <= columns.size(); i += kColumns) {
    const double* v = &columns[i];
    levels.push_back({v[0], v[1], v[2] != 0, v[3], v[4]});
  }
}

void check(const SmcOptions& options, bool adaptable) {
  if (options.particles < 2) {
    throw std::invalid_argument("smc: particles " + std::to_string(options.particles) +
                                "; need at least 2");
  }
  check_part("conditional_ess", options.conditional_ess);
  if (!(options.resample_below >= 0 && options.resample_below <= 1)) {
    throw std::invalid_argument("smc: resample_below " + std::to_string(options.resample_below) +
                                "; need a number from 0, never, to 1, always");
  }
  check_moves("smc", options.moves, options.target_accept, adaptable);
  if (!options.temperatures.empty()) check_temperatures("smc", options.temperatures);
  check_step_sizes("smc", options.step_sizes, options.temperatures.size(), adaptable);
}

std::vector<std::size_t> first_ancestors(const SmcOptions& options) {
  std::vector<std::size_t> ancestor(options.particles);
  std::iota(ancestor.begin(), ancestor.end(), std::size_t(0));
  return ancestor;
}

void add_level(SmcResult& particles, const SmcResult::Level& level, std::size_t most) {
  particles.levels.push_back(level);
  if (particles.levels.size() < most || level.b == 1) return;
  throw std::runtime_error("smc: at b = " + std::to_string(level.b) + " after " +
                           std::to_string(most) + " temperatures; lower conditional_ess");
}

double conditional_ess(std::span<const double> log_weights, std::span<const double> log_gained) {
  const std::vector<double> weights = normalised("conditional_ess", log_weights);
  check_log_weights("conditional_ess", log_gained);
  const double top = *std::ranges::max_element(log_gained);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double w = std::exp(log_gained[i] - top);
    sum += weights[i] * w;
    squares += weights[i] * w * w;
  }
  return squares > 0 ? double(weights.size()) * sum * sum / squares : 0;
}

double next_temperature(PathWeights& weights, std::span<const double> log_weights, double from,
                        double part) {
  const auto mild = [&](double b) {
    return conditional_ess(log_weights, weights.increments(from, b)) >=
           part * double(log_weights.size());
  };
  if (mild(1)) return 1;
  double low = from, high = 1;
  // Until the step is known to 1 in 1000, which for steps of 1e-6 takes 30 halvings.
  for (int halving = 0; halving < 60 && high - low > 1e-3 * (high - from); ++halving) {
    const double middle = rounded((low + high) / 2);
    (mild(middle) ? low : high) = middle;
  }
  if (low > from) return low;
  throw std::runtime_error("smc: no step from b = " + std::to_string(from) +
                           " keeps the conditional ESS; choose a wider base or lower it");
}

double genealogical_variance(std::span<const double> log_weights,
                             std::span<const std::size_t> ancestors, std::size_t resamplings,
                             Resampling how) {
  const std::vector<double> weights = normalised("genealogical_variance", log_weights);
  const double n = double(weights.size());
  std::vector<double> family(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) family[ancestors[i]] += weights[i];
  double squares = 0;
  for (const double w : family) squares += w * w;
  const double generations = how == Resampling::multinomial ? double(resamplings + 1) : 1;
  return 1 - std::pow(n / (n - 1), generations) * (1 - squares);
}

void resample(SmcResult& particles, Resampling how, ad::Key key) {
  SmcResult& r = particles;
  r.log_z.value += log_mean_exp(r.log_weight);
  const std::vector<std::size_t> parents =
      resample(how, r.log_weight, key, std::uint32_t(r.resamplings++));
  const ad::Tensor x = std::move(r.x);
  const std::vector<std::size_t> ancestor = std::move(r.ancestor);
  r.x = ad::Tensor(x.shape());
  r.ancestor.resize(parents.size());
  for (std::size_t i = 0; i < parents.size(); ++i) {
    std::ranges::copy(x.row(parents[i]), r.x.row(i).begin());
    r.ancestor[i] = ancestor[parents[i]];
  }
  std::ranges::fill(r.log_weight, 0.0);
}

void finish(SmcResult& particles, Resampling how) {
  SmcResult& r = particles;
  r.log_z.value += log_mean_exp(r.log_weight);
  const double variance = genealogical_variance(r.log_weight, r.ancestor, r.resamplings, how);
  r.log_z.error = std::sqrt(std::max(0.0, variance));
  r.ess = importance_ess(r.log_weight);
}

}  // namespace eqp::mcmc
