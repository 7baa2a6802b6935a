#include "mcmc/weights.hpp"

namespace eqp::mcmc {

ad::Batched current_weight(const Energy& energy, const Proposal& proposal) {
  return {{ad::Shape{proposal.dim}},
          [energy, log_prob = proposal.log_prob](std::span<const ad::Var> in) -> ad::Vars {
            return {energy(in[0]), log_prob(in[0])};
          }};
}

ad::Batched fresh_weight(const Energy& energy, const Proposal& proposal) {
  return {{ad::Shape{proposal.noise_dim}},
          [energy, sample = proposal.sample](std::span<const ad::Var> in) -> ad::Vars {
            const auto [y, log_q] = sample(in[0]);
            return {y, energy(y), log_q};
          }};
}

}  // namespace eqp::mcmc
