#pragma once

#include <string>
#include <vector>

#include "flows/realnvp.hpp"
#include "nn/mlp.hpp"
#include "train/adaptive_flow.hpp"
#include "train/data/dataset.hpp"
#include "train/data/rows.hpp"

// The energy model of the experiments and its ways to be trained: one network, one set of data;
// only the objective differs, and for nt_ebm what the network tilts.
namespace eqp {

struct EbmOptions {
  std::size_t dim = 2;
  std::vector<std::size_t> hidden = {32, 64, 64, 64};
  std::string activation = "silu";  // or "leaky_relu" with slope 0.05 (Nijkamp et al. 2020)
  double temperature = 1;           // T: E is the network's output over it
  double base_variance = 1;         // of the Gaussian tilt, which is the flow's base
  flows::RealNvpOptions flow;
};

/// U(x) = E(x) + |x|^2 / (2 base_variance) + const with an energy E that starts at 0, and a flow
/// that starts as the identity: at first model, base and proposal are the same Gaussian.
struct Ebm {
  Ebm(const EbmOptions& options, ad::Key key);

  double temperature;
  ad::Params params, flow_params;
  nn::Mlp network;
  flows::Flow flow;
  mcmc::Energy output;  // E
  mcmc::Energy energy;  // U
};

/// Settings of all methods; each reads what concerns it.
struct MethodSettings {
  std::size_t batch = 128;
  std::uint32_t steps = 4000;  // updates
  double learning_rate = 1e-2;
  double final_learning_rate = 1e-4;  // reached along a cosine
  bool sgd = false;                   // the energy goes downhill by plain SGD; otherwise by Adam
  double jitter = 0;                  // normal noise on every batch, in units of the data
  bool tilted = true;                 // pcd, coop_flow: U; otherwise E alone is the model's energy
  std::size_t bank = 1024;            // pcd, nt_ebm, adaptive_flow
  std::uint32_t langevin_steps = 10;  // cd, pcd, coop_flow: per update
  double langevin_step = 0.01;        // cd, pcd, coop_flow: step size in units of x squared
  double bound =
      std::numeric_limits<double>::infinity();  // cd, pcd, coop_flow: chains stay within it
  double regulariser = 0;                       // cd, pcd, adaptive_flow: see train/contrastive.hpp
  double restart = 0;                           // pcd: probability per slot and use
  double start_within = 0;             // pcd: the bank starts uniform in this cube; 0: as the base
  std::uint32_t latent_steps = 10;     // nt_ebm: MALA steps per update
  std::uint32_t pretraining = 1024;    // nt_ebm, coop_flow: updates of the flow on data at first
  double pretraining_rate = 1e-2;      // of these, constant
  double frozen = 0.05;                // coop_flow: share of the training in which the flow rests
  std::vector<double> sigmas = {0.1};  // dsm: noise levels
  double noise_scale = 1.5;            // nce: the noise's standard deviation in those of the data
  std::size_t particles = 32;          // adaptive_flow: see train/adaptive_flow.hpp
  std::uint32_t global_steps = 1, local_steps = 4, cycles = 2;
  train::Negatives negatives = train::Negatives::last;
  std::size_t per_chain = 4;
  std::uint32_t flow_updates = 1;
  double flow_learning_rate = 1e-2;  // coop_flow, adaptive_flow
  double final_flow_learning_rate = 1e-4;
  double data_share = 0, defensive = 0;  // adaptive_flow, as all that follows but roll_back
  train::BalanceOptions balance = {};
  train::JarzynskiOptions jarzynski = {};
  train::RollBackOptions roll_back = {};
};

/// "cd", "pcd", "dsm", "nce", "adaptive_flow", "nt_ebm", "coop_flow".
const std::vector<std::string>& method_names();

/// The energy of the model that a method trains: nt_ebm's network tilts the flow, that of the
/// others the flow's base or, unless `tilted`, nothing.
mcmc::Energy model_energy(const std::string& method, const Ebm& ebm, bool tilted = true);

/// What to anneal such a model's log Z from: the flow, where the method trains one, mixed with its
/// base for what it may have left out, and otherwise that base.
mcmc::Proposal annealing_base(const std::string& method, const Ebm& ebm);

/// Trains the flow on the data by maximum likelihood, at a constant learning rate.
void pretrain_flow(Ebm& ebm, const train::DataSource& data, std::size_t batch, std::uint32_t steps,
                   double learning_rate);

/// The objective of a method on data of the energy's dimension, visited in shuffled epochs; for
/// nt_ebm and coop_flow the flow is trained on the data first. Throws std::invalid_argument naming
/// the choices for an unknown method.
train::Objective make_objective(const std::string& method, Ebm& ebm, const train::Rows& data,
                                const MethodSettings& settings, ad::Key key);

/// Minimises the objective with the settings' schedule and optimiser. SGD's rates are multiplied by
/// the Ebm's temperature: the network f of E = f / T then moves by learning_rate times the gradient
/// of f(x-) - f(x+), as in the 2-D experiments of Nijkamp et al. (2020, "On the anatomy of
/// MCMC-based maximum likelihood learning of energy-based models"). Returns the updates done.
std::uint32_t fit(Ebm& ebm, const train::Objective& objective, const MethodSettings& settings,
                  const train::OnStep& on_step = {}, ad::Keeper* keeper = nullptr);

using train::log_density;

/// The exact log density as a function of points.
train::LogDensity log_density(const train::Distribution& truth);

}  // namespace eqp
