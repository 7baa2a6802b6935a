// The smallest experiment: learns the energy of a ring by denoising score matching, and samples it.
//
//   ./run ring --sigma 0.3
//
// Expect: mean radius within 0.1 of 2, acceptance near 0.6; some seconds on two cores.
#include <cmath>
#include <iostream>
#include <numbers>

#include "experiments/common/checkpoint.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/run_folder.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/run.hpp"
#include "nn/mlp.hpp"
#include "train/dsm.hpp"

using namespace eqp;

int main(int argc, char** argv) {
  return experiment(argc, argv, "Denoising score matching on a ring of radius 2", [](Cli& cli) {
    const std::uint64_t seed = cli.seed();
    const auto sigma = cli.get("sigma", 0.3, "noise level of the data", {.above = 0});
    const auto steps = cli.get("steps", cli.quick() ? 50u : 2000u, "updates", {.min = 1});
    cli.done();
    RunFolder folder(cli);

    // U(x) = net(x) + |x|^2/2: the quadratic keeps exp(-U) normalisable.
    ad::Params params;
    const nn::Mlp net(params, "net", {2, 64, 64, 1}, ad::silu, {seed, 0});
    const mcmc::Energy energy = [&](ad::Var x) { return sum(net(x), 1) + 0.5 * sum(square(x), 1); };

    const train::DataSource ring = [&](std::uint32_t t, ad::View out) {
      for (std::size_t i = 0; i < out.rows(); ++i) {
        ad::Draws draws({seed, 1}, std::uint32_t(i), t);
        const double angle = 2 * std::numbers::pi * draws.uniform();
        out(i, 0) = Real(2 * std::cos(angle));
        out(i, 1) = Real(2 * std::sin(angle));
      }
    };
    Checkpoint training(folder, "training", 0), sampling(folder, "sampling", 0);
    train::fit(params, train::dsm(energy, ring, {.dim = 2, .sigmas = {sigma}, .key = {seed, 2}}),
               train::adam(),
               {.steps = steps, .learning_rate = train::cosine(2e-3, steps), .keeper = &training});
    if (interrupted()) return;

    const mcmc::Mala mala(energy, 2, {.step_size = 0.05});
    const auto result = mcmc::run(mala, ad::normal({512, 2}, {seed, 3}),
                                  {.steps = 500,
                                   .warmup = 500,
                                   .key = {seed, 4},
                                   .target_accept = 0.6,
                                   .largest_step = 1,
                                   .keeper = &sampling});
    if (interrupted()) return;
    folder.samples("samples", result.last);

    double radius = 0;
    for (std::size_t i = 0; i < 512; ++i) {
      radius += std::hypot(result.last(i, 0), result.last(i, 1)) / 512;
    }
    std::cout << "mean radius " << radius << "  acceptance " << result.counts.rate() << "\n";
    folder.summary({{{"radius", radius}, {"acceptance", result.counts.rate()}}});
  });
}
