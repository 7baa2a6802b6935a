#include "experiments/common/contender.hpp"

#include <algorithm>
#include <stdexcept>

#include "train/cd.hpp"
#include "train/data/batches.hpp"
#include "train/dsm.hpp"
#include "train/energy_discrepancy.hpp"
#include "train/flow_contrastive.hpp"
#include "train/score_matching.hpp"
#include "train/sliced_score_matching.hpp"
#include "train/tempered_pcd.hpp"

namespace eqp {
namespace {

constexpr std::size_t kDim = 2;

EbmOptions architecture(const ContenderOptions& o) {
  EbmOptions ebm{.dim = kDim, .hidden = o.hidden, .base_variance = o.truth.base_variance};
  ebm.flow = {.blocks = 4, .hidden = {64}, .form = flows::CouplingForm::plain};
  return ebm;
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

const std::vector<std::string>& contender_names() {
  static const std::vector<std::string> names{"cd",
                                              "cd_kl",
                                              "pcd",
                                              "tempered_pcd",
                                              "score_matching",
                                              "sliced",
                                              "sliced_reduced",
                                              "dsm",
                                              "dsm_levels",
                                              "nce",
                                              "flow_contrastive",
                                              "energy_discrepancy"};
  return names;
}

Contender::Contender(const std::string& method, const train::Rows& rows,
                     const ContenderOptions& options, ad::Key key)
    : options_(options),
      ebm_(architecture(options), key.fork(0)),
      energy_(ebm_.energy),
      trained_(&ebm_.params) {
  const bool dear = is_one_of(method, {"cd", "cd_kl", "pcd", "tempered_pcd", "energy_discrepancy"});
  if (options_.steps == 0) options_.steps = dear ? 4000 : 10000;
  // The rows in the order that make_objective visits them in.
  const ad::Key objective_key = key.fork(1), own = objective_key.fork(1);
  const train::Batches data(rows, options.batch, objective_key.fork(0));
  if (is_one_of(method, {"cd", "pcd", "dsm", "nce"})) {
    objective_ = make_objective(method, ebm_, rows, settings(method), objective_key);
  } else if (is_one_of(method, {"cd_kl", "tempered_pcd"})) {
    objective_ = chains_objective(method, data, own);
  } else if (is_one_of(method, {"score_matching", "sliced", "sliced_reduced", "dsm_levels"})) {
    objective_ = score_objective(method, data, own);
  } else if (is_one_of(method, {"flow_contrastive", "energy_discrepancy"})) {
    objective_ = noise_objective(method, data, own);
  } else {
    throw std::invalid_argument("--method " + method + ": no such method");
  }
}

std::uint32_t Contender::fit(const train::OnStep& on_step, ad::Keeper* keeper) {
  return train::fit(*trained_, objective_, train::adam(),
                    {.steps = options_.steps, .learning_rate = learning_rate(), .keeper = keeper},
                    on_step);
}

// What the methods of the main job take; `evaluations_` goes with it.
MethodSettings Contender::settings(const std::string& method) {
  const ContenderOptions& o = options_;
  const std::uint32_t steps = method == "pcd" ? o.pcd_steps : o.cd_steps;
  evaluations_ = method == "dsm" ? 1 : method == "nce" ? 2 : steps + 2;
  return {.batch = o.batch,
          .bank = o.bank,
          .langevin_steps = steps,
          .langevin_step = o.langevin_step,
          .bound = o.bound,
          .regulariser = o.regulariser,
          .restart = 0.05,
          .sigmas = {o.sigma}};
}

// Negatives by chains.
train::Objective Contender::chains_objective(const std::string& method,
                                             const train::DataSource& data, ad::Key key) {
  const ContenderOptions& o = options_;
  if (method == "tempered_pcd") {
    // Down to the tilt, whose draws at beta = 0 are fresh points from anywhere.
    const double sd = std::sqrt(o.truth.base_variance);
    const train::TemperedPcdOptions ladder{.dim = kDim,
                                           .batch = o.batch,
                                           .betas = {1, 0.5, 0.2, 0},
                                           .base = mcmc::gaussian_proposal({0, 0}, {sd, sd}),
                                           .local_steps = 3,
                                           .step_size = o.langevin_step,
                                           .largest_step = o.truth.base_variance,
                                           .regulariser = o.regulariser,
                                           .key = key};
    const double moves = 3 * 2 * ladder.local_steps, refreshed = 4, swaps = 6;
    evaluations_ = moves + refreshed + swaps + 2;
    return train::tempered_pcd(ebm_.energy, data, train::base_sampler(ebm_.flow), ladder);
  }
  evaluations_ = o.cd_steps + 4;
  return train::cd(ebm_.energy, data,
                   {.dim = kDim,
                    .batch = o.batch,
                    .steps = o.cd_steps,
                    .step_size = o.langevin_step,
                    .bound = o.bound,
                    .regulariser = o.regulariser,
                    .kl = train::CdKlOptions{},
                    .key = key});
}

// Derivatives by x at data, blurred or not.
train::Objective Contender::score_objective(const std::string& method,
                                            const train::DataSource& data, ad::Key key) {
  const ContenderOptions& o = options_;
  evaluations_ = 1;
  if (method == "score_matching") {
    return train::score_matching(ebm_.energy, data, {.dim = kDim, .batch = o.batch});
  }
  if (method == "dsm_levels") {
    std::vector<std::size_t> widths{kDim + 1};
    widths.insert(widths.end(), o.hidden.begin(), o.hidden.end());
    widths.push_back(1);
    noisy_network_.emplace(noisy_params_, "energy", widths, ad::silu, key.fork(0),
                           nn::MlpOptions{.last = nn::zeros()});
    trained_ = &noisy_params_;
    const double variance = o.truth.base_variance;
    const train::NoisyEnergy noisy = [network = *noisy_network_, variance](ad::Var x,
                                                                           ad::Var sigma) {
      const ad::Var tilt = 0.5 * sum(square(x) / (variance + square(sigma)), 1);
      return sum(network(ad::concat({x, log(sigma)}, 1)), 1) + tilt;
    };
    energy_ = [=, sigma = o.sigma](ad::Var x) {
      return noisy(x, ad::full(*x.tape, {x.shape()[0], 1}, sigma));
    };
    // Half of the rows at the level whose energy is the model.
    return train::noise_conditional_dsm(
        noisy, data,
        {.dim = kDim,
         .batch = o.batch,
         .sigmas = train::geometric_sigmas(o.largest_sigma, o.sigma, 5),
         .weights = {1, 1, 1, 1, 4},
         .key = key.fork(1)});
  }
  return train::sliced_score_matching(
      ebm_.energy, data,
      {.dim = kDim,
       .batch = o.batch,
       .norm = method == "sliced" ? train::SlicedNorm::projected : train::SlicedNorm::exact,
       .key = key});
}

// Data against noise, or against themselves with noise.
train::Objective Contender::noise_objective(const std::string& method,
                                            const train::DataSource& data, ad::Key key) {
  const ContenderOptions& o = options_;
  if (method == "energy_discrepancy") {
    evaluations_ = 1 + double(o.discrepancy_samples);
    return train::energy_discrepancy(ebm_.energy, data,
                                     {.dim = kDim,
                                      .batch = o.batch,
                                      .time = o.discrepancy_time,
                                      .samples = o.discrepancy_samples,
                                      .key = key});
  }
  evaluations_ = 4;  // two by the flow's own update
  pretrain_flow(ebm_, data, o.batch, o.flow_pretraining, 1e-3);
  return train::flow_contrastive(
      ebm_.energy, ebm_.params, data, ebm_.flow, ebm_.flow_params,
      {.batch = o.batch, .flow_learning_rate = learning_rate(), .key = key});
}

// A third after 70 % of the updates, a tenth after 90 %.
train::Schedule Contender::learning_rate() const {
  const auto at = [&](double part) { return std::uint32_t(part * options_.steps); };
  return train::step_decay(options_.learning_rate, {at(0.7), at(0.9)}, std::sqrt(0.1));
}

}  // namespace eqp
