#pragma once

#include "mcmc/metropolis.hpp"

// Importance weights of a proposal: what independence samplers share.
namespace eqp::mcmc {

/// U(x) (n) and log q(x) (n) of positions x (n, d).
ad::Batched current_weight(const Energy& energy, const Proposal& proposal);

/// Draws y (n, d), U(y) (n) and log q(y) (n) from standard normals (n, d).
ad::Batched fresh_weight(const Energy& energy, const Proposal& proposal);

/// log w = -U - log q; -infinity for one that is NaN or +infinity, by the rule of proper_energy.
inline double log_weight(Real energy, Real log_q) {
  return -proper_energy(double(energy) + double(log_q));
}

/// Evaluates what independence samplers keep about their positions.
template <class State>
void cache_log_weight(State& s) {
  evaluate(s.at, s.position);
  for (std::size_t i = 0; i < s.log_weight.size(); ++i) {
    s.log_weight[i] = log_weight(s.at.out(0)[i], s.at.out(1)[i]);
  }
}

}  // namespace eqp::mcmc
