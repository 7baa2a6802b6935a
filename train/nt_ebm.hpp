#pragma once

#include "train/bank_chains.hpp"
#include "train/contrastive.hpp"
#include "train/flow_samplers.hpp"

namespace eqp::train {

struct NtEbmOptions {
  std::size_t batch = 256;
  std::size_t bank = 1024;
  std::uint32_t steps = 20;  // MALA steps per update
  Negatives negatives = Negatives::last;
  std::size_t per_chain = 4;  // for Negatives::subsample
  double step_size = 0.01;    // of MALA, adapted; at most 1, in units of z squared
  double target_accept = 0.75;
  double regulariser = 0;  // see contrastive_loss; of E alone
  ad::Key key;
};

/// U(x) = E(x) - log lambda(x): an energy network that tilts a flow, the model of nt_ebm.
inline mcmc::Energy tilted_flow(mcmc::Energy network, flows::Flow flow) {
  return [=](ad::Var x) { return network(x) - flow.log_prob(x); };
}

/// Its energy in latent space, where the log-determinants cancel: E(T(z)) - log rho(z), of which z
/// is a draw when T(z) is one of the model.
inline mcmc::Energy latent_energy(mcmc::Energy network, flows::Flow flow) {
  return [=](ad::Var z) { return network(flow.forward(z).y) - flow.base().log_prob(z); };
}

/// Neural-transport EBM (Nijkamp et al. 2022, "MCMC should mix"): the network E tilts a flow that
/// has been trained before and stays as it is; negatives are T(z) of persistent latent chains,
/// which move by MALA under latent_energy. As the flow has no part in the gradient, the loss is
/// that of E alone. The bank holds latents and starts from the base. Throws std::invalid_argument
/// without steps, or for more negatives per chain than states.
Objective nt_ebm(mcmc::Energy network, DataSource data, flows::Flow flow,
                 const NtEbmOptions& options);

}  // namespace eqp::train
