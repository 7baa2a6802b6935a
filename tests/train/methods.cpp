#include "tests/train/methods.hpp"

#include "flows/base.hpp"
#include "flows/realnvp.hpp"
#include "nn/mlp.hpp"
#include "tests/train/support.hpp"
#include "train/adaptive_flow.hpp"
#include "train/cd.hpp"
#include "train/classifier.hpp"
#include "train/coop_flow.hpp"
#include "train/dsm.hpp"
#include "train/energy_discrepancy.hpp"
#include "train/flow_contrastive.hpp"
#include "train/flow_from_chains.hpp"
#include "train/nce.hpp"
#include "train/nt_ebm.hpp"
#include "train/pcd.hpp"
#include "train/score_matching.hpp"
#include "train/sliced_score_matching.hpp"
#include "train/tempered_pcd.hpp"

namespace eqp::train {

std::vector<Method> all_methods(std::size_t batch) {
  const DataSource data = gaussian_data({0.5, -1}, 0.7, {1});
  std::vector<Method> methods;
  const auto add = [&](std::string name, const auto& make) {
    Method m{name, std::make_unique<ad::Params>(), std::make_unique<ad::Params>(), {}};
    const nn::Mlp network(*m.params, "net", {2, 6, 1}, ad::tanh, {2});
    const flows::Flow flow =
        flows::realnvp(*m.flow_params, "flow", 2, {.blocks = 1, .hidden = {3}}, {3});
    const mcmc::Energy energy = tilted([=](ad::Var x) { return sum(network(x), 1); }, flow);
    m.objective = make(energy, flow, m);
    methods.push_back(std::move(m));
  };
  const CdOptions cd_options{.dim = 2, .batch = batch, .steps = 3, .step_size = 0.05, .key = {4}};
  const PcdOptions pcd_options{.dim = 2,
                               .batch = batch,
                               .steps = 3,
                               .step_size = 0.05,
                               .restart_probability = 0.1,
                               .regulariser = 0.2,
                               .key = {5}};
  add("cd", [&](auto& u, auto&, Method&) { return cd(u, data, cd_options); });
  add("regularised cd", [&](auto& u, auto&, Method&) {
    CdOptions o = cd_options;
    o.regulariser = 0.3;
    return cd(u, data, o);
  });
  add("regularised pcd", [&](auto& u, auto& flow, Method&) {
    return pcd(u, data, 2 * batch, base_sampler(flow), pcd_options);
  });
  add("cd with the law of its chains", [&](auto& u, auto&, Method& m) {
    CdOptions o = cd_options;
    o.kl = CdKlOptions{.steps = 2};
    m.plain_gradient = false;
    return cd(u, data, o);
  });
  add("tempered pcd", [&](auto& u, auto& flow, Method&) {
    return tempered_pcd(u, data, base_sampler(flow),
                        {.dim = 2,
                         .batch = batch,
                         .betas = {1, 0.5, 0.2, 0},
                         .base = mcmc::gaussian_proposal({0, 0}, {1.2, 1.2}),
                         .local_steps = 2,
                         .step_size = 0.1,
                         .key = {11}});
  });
  add("dsm", [&](auto& u, auto&, Method&) {
    return dsm(u, data, {.dim = 2, .batch = batch, .sigmas = {0.3, 0.8}, .key = {6}});
  });
  add("noise conditional dsm", [&](auto& u, auto&, Method&) {
    const NoisyEnergy blurred = [=](ad::Var x, ad::Var sigma) {
      return u(x / (1 + square(sigma)));
    };
    return noise_conditional_dsm(
        blurred, data,
        {.dim = 2, .batch = batch, .sigmas = {0.3, 0.8}, .weights = {1, 2}, .key = {6}});
  });
  add("score matching",
      [&](auto& u, auto&, Method&) { return score_matching(u, data, {.dim = 2, .batch = batch}); });
  for (const SlicedNorm norm : {SlicedNorm::projected, SlicedNorm::exact}) {
    add(norm == SlicedNorm::exact ? "sliced score matching, exact norm" : "sliced score matching",
        [&](auto& u, auto&, Method&) {
          return sliced_score_matching(
              u, data, {.dim = 2, .batch = batch, .directions = 2, .norm = norm, .key = {12}});
        });
  }
  add("energy discrepancy", [&](auto& u, auto&, Method&) {
    return energy_discrepancy(u, data, {.dim = 2, .batch = batch, .samples = 4, .key = {13}});
  });
  add("flow contrastive", [&](auto& u, auto& flow, Method& m) {
    return flow_contrastive(u, *m.params, data, flow, *m.flow_params,
                            {.batch = batch, .flow_updates = 2, .key = {14}});
  });
  add("nce", [&](auto& u, auto&, Method& m) {
    const mcmc::Proposal noise = mcmc::gaussian_proposal({0.2, 0.1}, {1.5, 2});
    return nce(u, *m.params, data, noise, {.batch = batch, .noise_per_point = 3, .key = {7}});
  });
  add("adaptive_flow", [&](auto& u, auto& flow, Method& m) {
    return adaptive_flow(u, data, flow, *m.flow_params,
                         {.batch = batch, .bank = 2 * batch, .particles = 5, .key = {8}});
  });
  add("adaptive_flow beyond the paper", [&](auto& u, auto& flow, Method& m) {
    std::ranges::fill(m.flow_params->mutate(), Real(1));  // so far off that its balance acts
    return adaptive_flow(u, data, flow, *m.flow_params,
                         {.batch = batch,
                          .bank = 2 * batch,
                          .particles = 5,
                          .negatives = Negatives::all,
                          .data_share = 0.3,
                          .defensive = 0.2,
                          .regulariser = 0.1,
                          .balance = {.on = true,
                                      .least_moves = 0.39,
                                      .least_ess = 2.4,
                                      .most_flow_updates = 2,
                                      .every = 2},
                          .jarzynski = {.on = true, .resample_below = 0.999, .every = 3},
                          .key = {15}});
  });
  add("nt_ebm", [&](auto& u, auto& flow, Method&) {
    return nt_ebm(u, data, flow,
                  {.batch = batch, .bank = 2 * batch, .steps = 3, .regulariser = 0.1, .key = {11}});
  });
  add("coop_flow", [&](auto& u, auto& flow, Method& m) {
    return coop_flow(
        u, data, flow, *m.flow_params,
        {.batch = batch, .steps = 3, .step_size = 0.05, .flow_starts = 2, .key = {12}});
  });
  for (const double reverse : {0.0, 0.4}) {
    add(reverse > 0 ? "flow_from_chains, mixed" : "flow_from_chains", [&](auto&, auto&, Method& m) {
      m.params = std::make_unique<ad::Params>();
      const auto base = std::make_shared<flows::TrainableGaussian>(*m.params, "base", 2);
      const flows::Flow learner(base, {});
      const mcmc::Energy target = [](ad::Var x) { return sum(square(x - 0.5), 1); };
      using FlowMc = mcmc::Alternate<mcmc::Isir, mcmc::Mala>;
      const FlowMc kernel({target, mcmc::from_flow(learner), {.particles = 4}},
                          {target, 2, {.step_size = 0.1}}, {.local_steps = 2});
      return flow_from_chains(
          learner, target, kernel, ad::normal({batch / 10, 2}, {9}),
          {.batch = batch, .reverse = reverse, .target_accept = 0.7, .key = {10}});
    });
  }
  add("flow_ml", [&](auto&, auto&, Method& m) {
    m.params = std::make_unique<ad::Params>();
    const auto base = std::make_shared<flows::TrainableGaussian>(*m.params, "base", 2);
    return flow_ml({base, {}}, data, batch);
  });
  add("cross_entropy", [&](auto&, auto&, Method& m) {
    m.params = std::make_unique<ad::Params>();
    const nn::Mlp network(*m.params, "net", {2, 5, 3}, ad::tanh, {15});
    Labelled points{Rows(ad::normal({2 * batch, 2}, {16})), {}, 3};
    for (std::size_t i = 0; i < 2 * batch; ++i) points.labels.push_back(i * i % 3 + i % 2);
    return cross_entropy(network, points, {.batch = batch, .jitter = 0.3, .key = {17}});
  });
  return methods;
}

}  // namespace eqp::train
