#include "experiments/common/ebm.hpp"

#include <stdexcept>

#include "mcmc/defensive.hpp"
#include "train/cd.hpp"
#include "train/coop_flow.hpp"
#include "train/data/batches.hpp"
#include "train/data/standardise.hpp"
#include "train/dsm.hpp"
#include "train/nce.hpp"
#include "train/nt_ebm.hpp"
#include "train/pcd.hpp"

namespace eqp {
namespace {

std::vector<std::size_t> widths(const EbmOptions& options) {
  std::vector<std::size_t> w{options.dim};
  w.insert(w.end(), options.hidden.begin(), options.hidden.end());
  w.push_back(1);
  return w;
}

nn::Activation activation(const std::string& name) {
  if (name == "silu") return ad::silu;
  if (name == "leaky_relu") return [](ad::Var x) { return ad::leaky_relu(x, 0.05); };
  throw std::invalid_argument("--activation " + name + ": need silu or leaky_relu");
}

flows::RealNvpOptions with_base(flows::RealNvpOptions flow, double variance) {
  flow.base_variance = variance;
  return flow;
}

// A Gaussian around the data, `scale` times as wide in every coordinate.
mcmc::Proposal noise_around(const train::Rows& data, double scale) {
  train::Standardisation moments = train::standardisation(data);
  for (double& sd : moments.sd) sd *= scale;
  return mcmc::gaussian_proposal(moments.mean, moments.sd);
}

mcmc::Sampler uniform_within(double half) {
  return [=](ad::View out, ad::Key key, std::uint32_t first) {
    for (std::size_t i = 0; i < out.rows(); ++i) {
      ad::Draws draws(key, first + std::uint32_t(i));
      for (Real& v : out.row(i)) v = Real(half * (2 * draws.uniform() - 1));
    }
  };
}

}  // namespace

Ebm::Ebm(const EbmOptions& options, ad::Key key)
    : temperature(options.temperature),
      network(params, "energy", widths(options), activation(options.activation), key.fork(0),
              {.last = nn::zeros()}),
      flow(flows::realnvp(flow_params, "flow", options.dim,
                          with_base(options.flow, options.base_variance), key.fork(1))),
      output([this](ad::Var x) {
        const ad::Var f = sum(network(x), 1);
        return temperature == 1 ? f : 1 / temperature * f;
      }),
      energy(train::tilted(output, flow)) {}

void pretrain_flow(Ebm& ebm, const train::DataSource& data, std::size_t batch, std::uint32_t steps,
                   double learning_rate) {
  train::fit(ebm.flow_params, train::flow_ml(ebm.flow, data, batch), train::adam(),
             {.steps = steps, .learning_rate = train::constant(learning_rate)});
}

const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names{"cd",     "pcd",      "dsm", "nce", "adaptive_flow",
                                              "nt_ebm", "coop_flow"};
  return names;
}

mcmc::Energy model_energy(const std::string& method, const Ebm& ebm, bool tilted) {
  if (method == "nt_ebm") return train::tilted_flow(ebm.output, ebm.flow);
  return tilted ? ebm.energy : ebm.output;
}

mcmc::Proposal annealing_base(const std::string& method, const Ebm& ebm) {
  const mcmc::Proposal base = mcmc::from_base(ebm.flow);
  const bool fits = method == "adaptive_flow" || method == "coop_flow" || method == "nt_ebm";
  return fits ? mcmc::defensive_mixture(mcmc::from_flow(ebm.flow), base) : base;
}

train::Objective make_objective(const std::string& method, Ebm& ebm, const train::Rows& data,
                                const MethodSettings& s, ad::Key key) {
  const std::size_t dim = data.cols();
  const train::Batches batches(data, s.batch, key.fork(0));
  const train::DataSource source = [=, jitter = Real(s.jitter)](std::uint32_t t, ad::View out) {
    batches(t, out);
    if (jitter == 0) return;
    ad::Tensor noise(out.shape);
    ad::BlockRng{key.fork(2), t}.normal(noise);
    for (std::size_t k = 0; k < noise.size(); ++k) out[k] += jitter * noise[k];
  };
  const ad::Key own = key.fork(1);
  if (method == "cd") {
    return train::cd(ebm.energy, source,
                     {.dim = dim,
                      .batch = s.batch,
                      .steps = s.langevin_steps,
                      .step_size = s.langevin_step,
                      .bound = s.bound,
                      .regulariser = s.regulariser,
                      .key = own});
  }
  const mcmc::Energy energy = model_energy(method, ebm, s.tilted);
  const train::Schedule flow_rate =
      train::cosine(s.flow_learning_rate, s.steps, s.final_flow_learning_rate);
  if (method == "pcd") {
    const mcmc::Sampler start =
        s.start_within > 0 ? uniform_within(s.start_within) : train::base_sampler(ebm.flow);
    return train::pcd(energy, source, std::max(s.bank, s.batch), start,
                      {.dim = dim,
                       .batch = s.batch,
                       .steps = s.langevin_steps,
                       .step_size = s.langevin_step,
                       .bound = s.bound,
                       .restart_probability = s.restart,
                       .regulariser = s.regulariser,
                       .key = own});
  }
  if (method == "dsm") {
    return train::dsm(ebm.energy, source,
                      {.dim = dim, .batch = s.batch, .sigmas = s.sigmas, .key = own});
  }
  if (method == "nce") {
    return train::nce(ebm.energy, ebm.params, source, noise_around(data, s.noise_scale),
                      {.batch = s.batch, .key = own});
  }
  if (method == "adaptive_flow") {
    return train::adaptive_flow(ebm.energy, source, ebm.flow, ebm.flow_params,
                                {.batch = s.batch,
                                 .bank = std::max(s.bank, s.batch),
                                 .particles = s.particles,
                                 .global_steps = s.global_steps,
                                 .local_steps = s.local_steps,
                                 .cycles = s.cycles,
                                 .negatives = s.negatives,
                                 .per_chain = s.per_chain,
                                 .flow_learning_rate = flow_rate,
                                 .flow_updates = s.flow_updates,
                                 .data_share = s.data_share,
                                 .defensive = s.defensive,
                                 .regulariser = s.regulariser,
                                 .balance = s.balance,
                                 .jarzynski = s.jarzynski,
                                 .key = own});
  }
  if (method == "nt_ebm") {
    pretrain_flow(ebm, source, s.batch, s.pretraining, s.pretraining_rate);
    return train::nt_ebm(
        ebm.output, source, ebm.flow,
        {.batch = s.batch, .bank = std::max(s.bank, s.batch), .steps = s.latent_steps, .key = own});
  }
  if (method == "coop_flow") {
    pretrain_flow(ebm, source, s.batch, s.pretraining, s.pretraining_rate);
    return train::coop_flow(energy, source, ebm.flow, ebm.flow_params,
                            {.batch = s.batch,
                             .steps = s.langevin_steps,
                             .step_size = s.langevin_step,
                             .bound = s.bound,
                             .flow_starts = std::uint32_t(s.frozen * s.steps),
                             .flow_learning_rate = flow_rate,
                             .starts = s.bank,
                             .key = own});
  }
  std::string names;
  for (const std::string& name : method_names()) names += (names.empty() ? "" : ", ") + name;
  throw std::invalid_argument("--method " + method + ": need one of " + names);
}

std::uint32_t fit(Ebm& ebm, const train::Objective& objective, const MethodSettings& s,
                  const train::OnStep& on_step, ad::Keeper* keeper) {
  const double unit = s.sgd ? ebm.temperature : 1;
  return train::fit(ebm.params, objective, s.sgd ? train::sgd() : train::adam(),
                    {.steps = s.steps,
                     .learning_rate = train::cosine(unit * s.learning_rate, s.steps,
                                                    unit * s.final_learning_rate),
                     .roll_back = s.roll_back,
                     .keeper = keeper},
                    on_step);
}

train::LogDensity log_density(const train::Distribution& truth) {
  return [log_prob = truth.log_prob](ad::ConstView x, std::span<double> log_p) {
    for (std::size_t i = 0; i < log_p.size(); ++i) {
      const std::vector<double> point(x.row(i).begin(), x.row(i).end());
      log_p[i] = log_prob(point);
    }
  };
}

}  // namespace eqp
