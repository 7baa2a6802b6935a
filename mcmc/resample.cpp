#include "mcmc/resample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {
namespace {

/// `count` ascending uniforms on (0, 1): the partial sums of exponentials, scaled by the last
/// (Devroye 1986, section V.2.2), so that nothing has to be sorted.
std::vector<double> sorted_uniforms(std::size_t count, ad::Draws& draws) {
  std::vector<double> u(count);
  double sum = 0;
  for (double& v : u) v = sum -= std::log(draws.uniform());
  sum -= std::log(draws.uniform());
  for (double& v : u) v /= sum;
  return u;
}

/// Appends the particles on which ascending uniforms fall: i where the sum of W_0 ... W_i first
/// exceeds u. Beyond the sum, which rounding leaves below 1, it is the last with a weight.
void invert(std::span<const double> weights, std::span<const double> uniforms,
            std::vector<std::size_t>& parents) {
  std::size_t last = weights.size() - 1;
  while (weights[last] == 0) --last;
  std::size_t i = 0;
  double below = weights[0];
  for (const double u : uniforms) {
    while (below <= u && i < last) below += weights[++i];
    parents.push_back(i);
  }
}

/// Scales what is left of n W_i after whole children to sum 1; returns how many are to come.
std::size_t take_whole_children(std::vector<double>& weights, std::vector<std::size_t>& parents) {
  const double n = double(weights.size());
  double rest = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double whole = std::floor(n * weights[i]);
    parents.insert(parents.end(), std::size_t(whole), i);
    weights[i] = std::max(0.0, n * weights[i] - whole);
    rest += weights[i];
  }
  if (parents.size() >= weights.size()) return 0;
  for (double& w : weights) w /= rest;
  return weights.size() - parents.size();
}

}  // namespace

void check_log_weights(const std::string& who, std::span<const double> log_weights) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (log_weights.empty()) throw std::invalid_argument(who + ": no weights; need at least 1");
  double top = -kInfinity;
  for (std::size_t i = 0; i < log_weights.size(); ++i) {
    const double w = log_weights[i];
    if (std::isnan(w) || w == kInfinity) {
      std::ostringstream text;
      text << who << ": log-weight " << i << " is " << (std::isnan(w) ? std::abs(w) : w)
           << "; need finite numbers or -inf";
      throw std::invalid_argument(text.str());
    }
    top = std::max(top, w);
  }
  if (top == -kInfinity) {
    throw std::invalid_argument(who + ": all " + std::to_string(log_weights.size()) +
                                " log-weights are -inf; need one that is finite");
  }
}

std::vector<double> normalised(const std::string& who, std::span<const double> log_weights) {
  check_log_weights(who, log_weights);
  const double top = *std::ranges::max_element(log_weights);
  std::vector<double> w(log_weights.size());
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) sum += w[i] = std::exp(log_weights[i] - top);
  for (double& v : w) v /= sum;
  return w;
}

std::vector<std::size_t> resample(Resampling how, std::span<const double> log_weights, ad::Key key,
                                  std::uint32_t step) {
  std::vector<double> weights = normalised("resample", log_weights);
  const std::size_t n = weights.size();
  std::vector<std::size_t> parents;
  parents.reserve(n);
  ad::Draws draws(key, 0, step);
  if (how == Resampling::multinomial) {
    invert(weights, sorted_uniforms(n, draws), parents);
  } else if (how == Resampling::residual) {
    const std::size_t rest = take_whole_children(weights, parents);
    if (rest > 0) invert(weights, sorted_uniforms(rest, draws), parents);
    std::ranges::sort(parents);
  } else {
    std::vector<double> u(n);
    const double shared = draws.uniform();
    for (std::size_t i = 0; i < n; ++i) {
      const double place = how == Resampling::systematic ? shared : draws.uniform();
      u[i] = (double(i) + place) / double(n);
    }
    invert(weights, u, parents);
  }
  return parents;
}

}  // namespace eqp::mcmc
