#include "mcmc/proposal.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace eqp::mcmc {
namespace {

ad::Var constant(ad::Tape& tape, const std::vector<double>& values) {
  ad::Tensor t(ad::Shape{values.size()});
  for (std::size_t j = 0; j < values.size(); ++j) t[j] = Real(values[j]);
  return tape.constant(std::move(t));
}

}  // namespace

Proposal from_flow(const flows::Flow& flow) {
  return {.dim = flow.dim(),
          .sample =
              [flow](ad::Var noise) {
                const auto [x, log_prob] = flow.sample(noise);
                return std::pair(x, log_prob);
              },
          .log_prob = [flow](ad::Var x) { return flow.log_prob(x); }};
}

Proposal gaussian_proposal(const std::vector<double>& mean, const std::vector<double>& sd) {
  if (mean.empty() || mean.size() != sd.size()) {
    throw std::invalid_argument("gaussian_proposal: " + std::to_string(mean.size()) +
                                " means and " + std::to_string(sd.size()) +
                                " standard deviations; need one of each per coordinate");
  }
  double log_norm = 0;
  for (const double s : sd) {
    if (!(s > 0) || !std::isfinite(s)) {
      throw std::invalid_argument("gaussian_proposal: standard deviation " + std::to_string(s) +
                                  "; need a finite number above 0");
    }
    log_norm += std::log(s) + 0.5 * std::log(2 * std::numbers::pi);
  }
  const auto log_density = [log_norm](ad::Var z) {
    return -0.5 * ad::sum(ad::square(z), 1) - log_norm;
  };
  return {.dim = mean.size(),
          .sample =
              [=](ad::Var noise) {
                const ad::Var x = noise * constant(*noise.tape, sd) + constant(*noise.tape, mean);
                return std::pair(x, log_density(noise));
              },
          .log_prob =
              [=](ad::Var x) {
                return log_density((x - constant(*x.tape, mean)) / constant(*x.tape, sd));
              }};
}

}  // namespace eqp::mcmc
