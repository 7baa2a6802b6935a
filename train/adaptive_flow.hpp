#pragma once

#include "flows/flow.hpp"
#include "mcmc/alternate.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/proposal.hpp"
#include "train/balance.hpp"
#include "train/bank_chains.hpp"
#include "train/contrastive.hpp"
#include "train/flow_ml.hpp"
#include "train/flow_samplers.hpp"

namespace eqp::train {

struct AdaptiveFlowOptions {
  std::size_t batch = 64;
  std::size_t bank = 1024;
  std::size_t particles = 32;      // of i-SIR, the current state included
  std::uint32_t global_steps = 1;  // per cycle
  std::uint32_t local_steps = 4;   // MALA steps per cycle
  std::uint32_t cycles = 2;        // per update: length = cycles * (global + local) states
  Negatives negatives = Negatives::last;
  std::size_t per_chain = 4;  // for Negatives::subsample
  double step_size = 0.01;    // of MALA, adapted; at most 1, in units of x squared
  double target_accept = 0.75;
  Schedule flow_learning_rate = constant(1e-2);
  std::uint32_t flow_updates = 1;  // per update of the energy
  // Beyond the paper, all of them off:
  double data_share = 0;  // of the rows that the flow learns: data, so that it loses no mode
  double defensive = 0;   // share of i-SIR's draws that come from the flow's base instead
  /// See contrastive_loss: of the energy as it is given, tilt included (nt_ebm's is of E alone),
  /// and a mean over the batch, where Grenioux et al. (2023, C.6) print a sum.
  double regulariser = 0;
  BalanceOptions balance = {};
  JarzynskiOptions jarzynski = {};
  ad::Key key;
};

/// U(x) = E(x) - log rho(x): an energy network tilted by the flow's base density (Grenioux,
/// Moulines & Gabrie 2023, eq. 6). With E = 0 and an identity flow, target, base and proposal
/// coincide.
inline mcmc::Energy tilted(mcmc::Energy network, flows::Flow flow) {
  return [=](ad::Var x) { return network(x) - flow.base().log_prob(x); };
}

/// Balanced training of an energy by adaptive flow sampling (Grenioux, Moulines & Gabrie 2023,
/// algorithms 1 and 5): persistent chains move globally by i-SIR with the flow as proposal and
/// locally by MALA; the energy descends on data minus negatives; the flow learns the negatives by
/// maximum likelihood. No gradient flows through the sampler. `energy` includes the tilt, if there
/// is one. With Jarzynski weights both learn from weighted negatives, with a bias that falls with
/// the number of chains per update (see JarzynskiWeights): `batch` of them with Negatives::last,
/// one for every `length` negatives with Negatives::all. Throws std::invalid_argument without
/// cycles, for more negatives per chain than states, for shares that are not in [0, 1), and for
/// Jarzynski weights of a single chain.
Objective adaptive_flow(mcmc::Energy energy, DataSource data, flows::Flow flow,
                        ad::Params& flow_params, AdaptiveFlowOptions options);

}  // namespace eqp::train
