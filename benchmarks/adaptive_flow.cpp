#include "train/adaptive_flow.hpp"

#include <optional>
#include <stdexcept>

#include "benchmarks/arrays.hpp"
#include "benchmarks/model.hpp"
#include "benchmarks/trainer.hpp"
#include "benchmarks/workload.hpp"
#include "experiments/common/problems.hpp"
#include "mcmc/weights.hpp"

// W7: the training step of the main job's own method, on its eight Gaussians.
namespace eqp::bench {
namespace {

constexpr std::size_t kParticlesPerChain = 64, kBank = 1024, kWeighed = 1024;
constexpr std::uint32_t kLocalSteps = 24;

void randomise(ad::Params& params, double sd, ad::Key key) {
  ad::Draws draws(key);
  for (Real& v : params.mutate()) v = Real(sd * draws.normal());
}

class AdaptiveFlow : public Workload {
 public:
  explicit AdaptiveFlow(const Case& c)
      : case_(c),
        problem_(make_problem("eight_gaussians", Protocol::ours)),
        ebm_(problem_.model, kWeights),
        data_(train::draw(problem_.truth, c.rows, kData)) {
    if (c.d != 2) {
      throw std::invalid_argument(c.workload + ": d is " + std::to_string(c.d) + ", expected 2");
    }
    // Energy and flow begin at 0 and at the identity, of which a check would see nothing.
    randomise(ebm_.params, 0.1, kWeights.fork(0));
    randomise(ebm_.flow_params, 0.3, kWeights.fork(1));
  }

  void start() override {
    const auto data = [this](std::uint32_t, ad::View out) {
      std::ranges::copy(data_.flat(), out.data);
    };
    trainer_.emplace(ebm_.params,
                     train::adaptive_flow(ebm_.energy, data, ebm_.flow, ebm_.flow_params,
                                          {.batch = case_.rows,
                                           .bank = std::max(kBank, case_.rows),
                                           .particles = kParticlesPerChain,
                                           .local_steps = kLocalSteps,
                                           .cycles = 1,
                                           .step_size = case_.step_size,
                                           .flow_learning_rate = train::constant(kLearningRate),
                                           .key = kNoise}),
                     case_.block);
  }

  void run() override {
    for (std::uint32_t k = 0; k < case_.steps; ++k) trainer_->step();
  }

  std::size_t block() const override { return trainer_->block(); }

  Limit limit() override {
    const ad::Blocks chains{case_.rows, case_.block};
    const std::size_t fresh = kParticlesPerChain - 1;
    const mcmc::Proposal proposal = mcmc::from_flow(ebm_.flow);
    Limit limit;
    limit.add(chains, {{2}}, [&](std::span<const ad::Var> in) -> ad::Vars {
      return {ebm_.energy(in[0]), proposal.log_prob(in[0])};
    });
    limit.add({case_.rows * fresh, 2 * fresh}, {{2}}, [&](std::span<const ad::Var> in) -> ad::Vars {
      const auto [y, log_q] = proposal.sample(in[0]);
      return {y, ebm_.energy(y), log_q};
    });
    limit.add(chains, {{2}}, value_and_grad(ebm_.energy), kLocalSteps + 1);
    add_update(limit, energy_training(), chains);
    add_update(limit, flow_training(), chains);
    return limit;
  }

  void check(ad::Params& file) override {
    put_all(file, ebm_.params);
    put_all(file, ebm_.flow_params);
    put(file, "base_variance", problem_.model.base_variance);
    const ad::Tensor negatives = ad::normal(data_.shape(), kNoise);
    const ad::Tensor particles = ad::normal({kWeighed, 2}, kParticles);
    put(file, "in.x", data_);
    put(file, "in.negatives", negatives);
    put(file, "in.particles", particles);
    const ad::ConstView both[] = {data_, negatives};
    put_update(file, "", energy_training(), both, case_.block);
    put_update(file, "flow_", flow_training(), std::span(both).subspan(1), case_.block);

    ad::Workspace at =
        mcmc::current_weight(ebm_.energy, mcmc::from_flow(ebm_.flow)).workspace(kWeighed);
    mcmc::evaluate(at, particles);
    ad::Tensor log_weight({kWeighed});
    for (std::size_t i = 0; i < kWeighed; ++i) {
      log_weight[i] = Real(mcmc::log_weight(at.out(0)[i], at.out(1)[i]));
    }
    put(file, "out.log_weight", log_weight);
  }

 private:
  Trained energy_training() {
    return {ebm_.params, {{2}, {2}}, train::contrastive_loss(ebm_.energy, 0)};
  }
  Trained flow_training() { return {ebm_.flow_params, {{2}}, train::flow_loss(ebm_.flow)}; }

  Case case_;
  Problem problem_;
  Ebm ebm_;
  ad::Tensor data_;
  std::optional<Trainer> trainer_;
};

}  // namespace

std::unique_ptr<Workload> adaptive_flow(const Case& c) { return std::make_unique<AdaptiveFlow>(c); }

}  // namespace eqp::bench
