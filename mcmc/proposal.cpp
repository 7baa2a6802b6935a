#include "mcmc/proposal.hpp"

#include <stdexcept>

#include "flows/base.hpp"

namespace eqp::mcmc {

Proposal from_flow(const flows::Flow& flow) {
  return {.dim = flow.dim(),
          .noise_dim = flow.noise_dim(),
          .sample =
              [flow](ad::Var noise) {
                const auto [x, log_prob] = flow.sample(noise);
                return std::pair(x, log_prob);
              },
          .log_prob = [flow](ad::Var x) { return flow.log_prob(x); }};
}

Proposal from_base(const flows::Flow& flow) {
  return {.dim = flow.dim(),
          .noise_dim = flow.noise_dim(),
          .sample =
              [flow](ad::Var noise) {
                const ad::Var z = flow.base().draw(noise);
                return std::pair(z, flow.base().log_prob(z));
              },
          .log_prob = [flow](ad::Var x) { return flow.base().log_prob(x); }};
}

Proposal gaussian_proposal(const std::vector<double>& mean, const std::vector<double>& sd) {
  if (mean.empty() || mean.size() != sd.size()) {
    throw std::invalid_argument("gaussian_proposal: " + std::to_string(mean.size()) +
                                " means and " + std::to_string(sd.size()) +
                                " standard deviations; need one of each per coordinate");
  }
  return from_flow({std::make_shared<flows::DiagonalGaussian>(sd, mean), {}});
}

}  // namespace eqp::mcmc
