#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/common/ebm.hpp"

// The training methods that can be compared on data in the plane: one architecture, one optimiser,
// as many updates; only the objective differs.
namespace eqp {

/// What depends on the scale of the data, and what all methods share.
struct ContenderOptions {
  train::Distribution truth;
  std::size_t batch = 256;
  std::uint32_t steps = 0;      // updates of the energy; 0: the method's own number, see updates()
  double learning_rate = 1e-3;  // of Adam; a third after 70 % of the steps, a tenth after 90 %
  std::vector<std::size_t> hidden = {128, 128};
  double langevin_step = 0.01;  // step size of cd and pcd
  std::uint32_t cd_steps = 10, pcd_steps = 20;
  std::size_t bank = 8192;        // of pcd
  double regulariser = 1e-3;      // of cd, pcd and tempered_pcd
  double bound = 10;              // chains stay within it
  double sigma = 0.1;             // noise of dsm; the smallest of several
  double largest_sigma = 1;       // of those
  double discrepancy_time = 0.5;  // t of energy_discrepancy
  std::size_t discrepancy_samples = 16;
  std::uint32_t flow_pretraining = 500;  // updates by likelihood before flow_contrastive
};

/// "cd", "cd_kl", "pcd", "tempered_pcd", "score_matching", "sliced", "sliced_reduced", "dsm",
/// "dsm_levels", "nce", "flow_contrastive", "energy_discrepancy".
const std::vector<std::string>& contender_names();

/// A model to be trained by one of the methods.
class Contender {
 public:
  /// Throws std::invalid_argument for a name that is none of contender_names().
  Contender(const std::string& method, const train::Rows& data, const ContenderOptions& options,
            ad::Key key);

  /// Minimises the objective. Returns the updates done.
  std::uint32_t fit(const train::OnStep& on_step, ad::Keeper* keeper);
  /// The energy of the data; of dsm_levels, at its smallest noise.
  const mcmc::Energy& energy() const { return energy_; }
  /// Updates of a training. By default 10000, or 4000 of methods that evaluate more than four
  /// energies per point: then all take about as long.
  std::uint32_t updates() const { return options_.steps; }
  /// Energies, or their gradients, of points per update and row of its batch, before derivatives by
  /// the parameters.
  double evaluations() const { return evaluations_; }

 private:
  MethodSettings settings(const std::string& method);
  train::Objective chains_objective(const std::string& method, const train::DataSource& data,
                                    ad::Key key);
  train::Objective score_objective(const std::string& method, const train::DataSource& data,
                                   ad::Key key);
  train::Objective noise_objective(const std::string& method, const train::DataSource& data,
                                   ad::Key key);
  train::Schedule learning_rate() const;

  ContenderOptions options_;
  Ebm ebm_;
  ad::Params noisy_params_;  // of the energy that knows the noise
  std::optional<nn::Mlp> noisy_network_;
  mcmc::Energy energy_;
  double evaluations_ = 0;
  ad::Params* trained_;
  train::Objective objective_;
};

}  // namespace eqp
