#include "autodiff/grad.hpp"
#include "benchmarks/arrays.hpp"
#include "benchmarks/model.hpp"
#include "benchmarks/training.hpp"
#include "experiments/common/conv_energy.hpp"
#include "train/cd.hpp"
#include "train/dsm.hpp"

// W2 to W5: training the network's energy by contrastive divergence and by three kinds of score
// matching. The score is s = -grad U. W11: contrastive divergence of a convolutional energy.
namespace eqp::bench {
namespace {

using Inputs = std::span<const ad::View>;

constexpr std::size_t kProjections = 5;
constexpr std::uint32_t kLangevinSteps = 10, kImageSteps = 20;
constexpr double kSigma = 0.1;

// |s|^2 / 2 + v' (ds/dx) v, the mean over projections v (Song, Garg, Shi & Ermon 2019, eq. 8).
train::Loss sliced_loss(mcmc::Energy energy) {
  return [energy = std::move(energy)](std::span<const ad::Var> in) {
    const ad::Var x = in[0], u = energy(x);
    ad::Var loss = 0.5 * sum(square(ad::grad(u, x)), 1);
    for (std::size_t k = 1; k <= kProjections; ++k) {
      loss = loss - sum(in[k] * ad::hvp(u, x, in[k]), 1) / double(kProjections);
    }
    return loss;
  };
}

// |s|^2 / 2 + tr(ds/dx) (Hyvarinen 2005, eq. 4).
train::Loss exact_loss(mcmc::Energy energy) {
  return [energy = std::move(energy)](std::span<const ad::Var> in) {
    const ad::Var x = in[0], u = energy(x);
    return 0.5 * sum(square(ad::grad(u, x)), 1) - ad::laplacian(u, x);
  };
}

// Arrays (n, d) as one (count, n, d).
ad::Tensor stack(std::span<const ad::ConstView> parts) {
  ad::Tensor all({parts.size(), parts[0].rows(), parts[0].cols()});
  for (std::size_t k = 0; k < parts.size(); ++k) {
    std::ranges::copy(parts[k].flat(), all.row(k).begin());
  }
  return all;
}

// The network and the batch that all four have.
struct Setting {
  explicit Setting(const Case& c)
      : model(std::make_shared<Model>(c.d, c.width, kWeights)),
        params(model, &model->params),
        data(same_batch(ad::normal({c.rows, c.d}, kData))) {}

  std::shared_ptr<Model> model;
  std::shared_ptr<ad::Params> params;
  train::DataSource data;
};

// CD-k by ULA.
std::unique_ptr<Workload> cd_training(const Case& c, std::uint32_t steps,
                                      std::shared_ptr<ad::Params> params, mcmc::Energy energy) {
  const train::DataSource data = same_batch(ad::normal({c.rows, c.d}, kData));
  const auto objective = [=] {
    return train::cd(
        energy, data,
        {.dim = c.d, .batch = c.rows, .steps = steps, .step_size = c.step_size, .key = kNoise});
  };
  const auto write_noise = [=](ad::Params& file, Inputs) {
    std::vector<ad::Tensor> noise(steps, ad::Tensor({c.rows, c.d}));
    for (std::uint32_t t = 0; t < steps; ++t) ad::BlockRng{kNoise, t}.normal(noise[t]);
    put(file, "noise.0", stack(std::vector<ad::ConstView>(noise.begin(), noise.end())));
  };
  const auto negatives = [=](Limit& limit) {
    limit.add({c.rows, c.block}, {{c.d}}, value_and_grad(energy), steps);
  };
  return std::make_unique<Training>(c,
                                    Method{std::move(params), objective, write_noise, negatives});
}

}  // namespace

std::unique_ptr<Workload> contrastive_divergence(const Case& c) {
  const Setting s(c);
  return cd_training(c, kLangevinSteps, s.params, s.model->energy);
}

std::unique_ptr<Workload> contrastive_divergence_of_images(const Case& c) {
  const auto side = std::size_t(std::lround(std::sqrt(double(c.d))));
  if (side * side != c.d) {
    throw std::invalid_argument(c.workload + ": d is " + std::to_string(c.d) +
                                ", expected the pixels of a square image");
  }
  const auto params = std::make_shared<ad::Params>();
  return cd_training(c, kImageSteps, params, ConvEnergy(*params, {.side = side}, kWeights));
}

std::unique_ptr<Workload> denoising_score_matching(const Case& c) {
  const Setting s(c);
  const auto objective = [=] {
    return train::dsm(s.model->energy, s.data,
                      {.dim = c.d, .batch = c.rows, .sigmas = {kSigma}, .key = kNoise});
  };
  const auto write_noise = [](ad::Params& file, Inputs in) { put(file, "noise.0", in[1]); };
  return std::make_unique<Training>(c, Method{s.params, objective, write_noise});
}

std::unique_ptr<Workload> sliced_score_matching(const Case& c) {
  const Setting s(c);
  const auto feed = [=](std::uint32_t t, Inputs in, train::StepLog&) {
    s.data(t, in[0]);
    for (std::uint32_t k = 1; k <= kProjections; ++k) ad::BlockRng{kNoise.fork(k), t}.normal(in[k]);
  };
  const auto objective = [=] {
    return train::Objective{.name = "sliced score matching",
                            .batch = c.rows,
                            .row_shapes = std::vector<ad::Shape>(1 + kProjections, ad::Shape{c.d}),
                            .loss = sliced_loss(s.model->energy),
                            .feed = feed};
  };
  const auto write_noise = [](ad::Params& file, Inputs in) {
    put(file, "noise.0", stack(std::vector<ad::ConstView>(in.begin() + 1, in.end())));
  };
  return std::make_unique<Training>(c, Method{s.params, objective, write_noise});
}

std::unique_ptr<Workload> exact_score_matching(const Case& c) {
  const Setting s(c);
  const auto feed = [=](std::uint32_t t, Inputs in, train::StepLog&) { s.data(t, in[0]); };
  const auto objective = [=] {
    return train::Objective{.name = "exact score matching",
                            .batch = c.rows,
                            .row_shapes = {{c.d}},
                            .loss = exact_loss(s.model->energy),
                            .feed = feed};
  };
  return std::make_unique<Training>(c, Method{s.params, objective});
}

}  // namespace eqp::bench
