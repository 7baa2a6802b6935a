// Trains a convolutional energy on square grey images, and draws new ones from noise.
//
//   ./run image_ebm --data FOLDER/train-images-idx3-ubyte.gz
//
// Expect: recognisable digits beside the data after a hundred seconds on two cores; an update takes
// about twice the time of its products alone.
//
// CI: --data experiments/data/digits.csv.gz --label last
//
// How far to trust it. Chains of the usual recipe (Du & Mordatch 2019; Nijkamp et al. 2019) move by
// long steps along a clipped gradient with little noise. They do not sample exp(-U): without the
// clip it would be exp(-U / T) with T = noise^2 / (2 step size), a millionth, which is a descent
// to where U is small. The energy is trained so that such descents, from noise or from where they
// were left, end at images like the data. So samples may be looked at, and a low U says that the
// chains find an image likely; but exp(-U) is not the data's density, differences of U are not log
// ratios of densities, and the shares of the digits among samples are where descents happen to end.
// For weights that can be trusted, see balanced_ebm.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

#include "autodiff/ops/gemm.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/plan.hpp"
#include "autodiff/safetensors.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/conv_energy.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/figure.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "experiments/common/step_log.hpp"
#include "mcmc/run.hpp"
#include "train/data/batches.hpp"
#include "train/data/table.hpp"
#include "train/pcd.hpp"

namespace eqp {
namespace {

// Of the picture.
constexpr std::size_t kRows = 8, kColumns = 10, kSamples = kRows * kColumns;

// Floating-point operations per second of bare products in cache, on all current threads.
double bare_rate() {
  constexpr ad::Gemm product{.m = 64, .n = 128, .k = 256};
  constexpr std::size_t times = 1000;
  ad::prepare_gemm(product);
  const std::size_t threads = ad::n_workers();
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    ad::parallel_for(threads, [&](std::size_t) {
      ad::Tensor a({product.m * product.k}), b({product.k * product.n});
      ad::Tensor c({product.m * product.n});
      for (std::size_t k = 0; k < times; ++k) ad::gemm(product, &a[0], &b[0], &c[0]);
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const double flops = 2.0 * product.m * product.n * product.k * times * double(threads);
    best = std::max(best, flops / seconds.count());
  }
  return best;
}

// Of the products of one update: chains that make `steps` steps, then the gradient of the loss.
double update_flops(const mcmc::Energy& energy, const train::Objective& objective,
                    const ad::Params& params, std::uint32_t steps) {
  const std::size_t n = objective.batch;
  const ad::Batched gradient(objective.row_shapes, [&](std::span<const ad::Var> in) -> ad::Vars {
    const ad::Var loss = objective.loss(in);
    return {loss, ad::grad(loss, params)};
  });
  const ad::Batched step = mcmc::value_and_grad(energy, objective.row_shapes[0].size());
  return ad::flops(step.program(n).plan()) * steps + ad::flops(gradient.program(n).plan());
}

// From [-1, 1] to [0, 1], as pictures have them.
ad::Tensor inks(ad::ConstView x) {
  ad::Tensor ink(x);
  for (Real& v : ink.flat()) v = (v + 1) / 2;
  return ink;
}

double mean_energy(const mcmc::Energy& energy, ad::ConstView x) {
  ad::Workspace at = mcmc::value(energy, x.cols()).workspace(x.rows());
  mcmc::evaluate(at, x);
  double sum = 0;
  for (const Real u : at.out(0).flat()) sum += u;
  return sum / double(x.rows());
}

void run(Cli& cli) {
  const Range count{.min = 1, .max = 1e6};
  const auto file = cli.get("data", "", "square images, one per row: idx (MNIST), .csv or .npy");
  const auto label = cli.get("label", "", "column of a label to leave out, such as last");
  const auto channels = cli.get("channels", std::vector<std::size_t>{16, 32, 64},
                                "of the convolutions", {.min = 1, .max = 4096});
  const auto updates = cli.get("updates", cli.quick() ? 30u : 2500u, "steps of Adam", count);
  const auto batch = cli.get<std::size_t>("batch", 64, "images, and chains, per update", count);
  const auto rate =
      cli.get("lr", 4e-4, "of Adam at first; a tenth at last", {.max = 1, .above = 0});
  const auto clip_norm = cli.get("clip-norm", 0.1, "largest norm of Adam's gradient", {.min = 0});
  const auto regulariser = cli.get("regulariser", 0.1, "of U^2 at data and chains", {.min = 0});
  const auto ema = cli.get("ema", 0.99, "decay of the average of weights that samples",
                           {.min = 0, .max = 0.9999});
  const auto jitter = cli.get("jitter", 0.03, "sd of noise on the data, which are in [-1, 1]",
                              {.min = 0, .max = 1});
  const auto steps = cli.get("langevin-steps", 20u, "of a chain per update", count);
  const auto step_size = cli.get("step-size", 10.0, "of a chain", {.above = 0});
  const auto noise = cli.get("noise", 0.005, "sd of a chain's noise per step", {.min = 0});
  const auto clip = cli.get("clip", 0.03, "largest slope a chain sees", {.above = 0});
  const auto restart = cli.get("restart", 0.05, "probability that a chain begins anew, from noise",
                               {.min = 0, .max = 1});
  const auto bank = cli.get<std::size_t>("bank", 4096, "chains that are kept", count);
  const auto sample_steps =
      cli.get("sample-steps", cli.quick() ? 20u : 500u, "of a chain that draws one", count);
  cli.done();
  if (file.empty()) throw std::invalid_argument("--data: need a file of images");

  // Data
  train::Table table = train::read_table(file, {.label = label});
  const std::size_t n = table.values.rows(), dim = table.values.cols();
  const auto side = std::size_t(std::lround(std::sqrt(double(dim))));
  if (side * side != dim || n < kSamples) {
    throw std::invalid_argument(file + ": " + std::to_string(n) + " rows of " +
                                std::to_string(dim) + "; need at least " +
                                std::to_string(kSamples) + " square images");
  }
  const auto [least, largest] = std::ranges::minmax(table.values.flat());
  if (least < 0 || largest == 0) {
    throw std::invalid_argument(file + ": need grey levels from 0 on, not all of them 0");
  }
  for (Real& v : table.values.flat()) v = 2 * v / largest - 1;
  const train::Rows images_of_data(std::move(table.values));
  const ad::Key key{cli.seed()};
  const train::Batches batches(images_of_data, batch, key.fork(0));
  const train::DataSource data = [&](std::uint32_t t, ad::View out) {
    batches(t, out);
    ad::Tensor normals(out.shape);
    ad::BlockRng{key.fork(1), t}.normal(normals);
    for (std::size_t k = 0; k < normals.size(); ++k) out[k] += Real(jitter) * normals[k];
  };

  // Model
  ad::Params params;
  const mcmc::Energy energy = ConvEnergy(params, {.side = side, .channels = channels}, key.fork(2));

  // Train
  const mcmc::Sampler grey = [](ad::View out, ad::Key own, std::uint32_t first) {
    ad::BlockRng{own, 0, first}.uniform(out);
    for (Real& v : out.flat()) v = 2 * v - 1;
  };
  const train::Objective objective = train::pcd(energy, data, std::max(bank, batch), grey,
                                                {.dim = dim,
                                                 .batch = batch,
                                                 .steps = steps,
                                                 .step_size = step_size,
                                                 .bound = 1,
                                                 .noise = noise,
                                                 .clip = clip,
                                                 .restart_probability = restart,
                                                 .regulariser = regulariser,
                                                 .key = key.fork(3)});
  const double limit = update_flops(energy, objective, params, steps) / bare_rate();
  RunFolder folder(cli);
  Progress progress({.quiet = cli.quiet()});
  std::uint32_t made = 0;  // updates, in this process
  const auto start = std::chrono::steady_clock::now();
  {
    auto training = progress.start("pcd", updates);
    Checkpoint checkpoint(folder, "training", 0);
    train::fit(params, objective, train::adam({.beta1 = 0.0}),
               {.steps = updates,
                .learning_rate = train::cosine(rate, updates, rate / 10),
                .clip_norm = clip_norm,
                .ema = ema,
                .keeper = &checkpoint},
               [&](std::uint32_t step, const train::StepLog& log) {
                 training.update({step, log.loss});
                 ++made;
                 if (step == 1) log_blocks(folder, "training", log);
                 if (step % 20 == 0 || step == updates) {
                   folder.log(
                       0,
                       {{"step", step}, {"loss", log.loss}, {"gradient_norm", log.gradient_norm}});
                 }
                 return true;
               });
  }
  if (interrupted()) return;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  folder.file("energy.safetensors", [&](const auto& path) { ad::save_safetensors(path, params); });

  // Sample: long chains from fresh noise
  ad::Tensor noises({kSamples, dim});
  grey(noises, key.fork(4), 0);
  const mcmc::Ula ula(energy, dim,
                      {.step_size = step_size, .bound = 1, .noise = noise, .clip = clip});
  const mcmc::RunResult drawn =
      mcmc::run(ula, noises, {.steps = sample_steps, .thin = sample_steps, .key = key.fork(5)});
  folder.block("sampling chains", drawn.block);
  folder.samples("samples", drawn.last);

  // Report
  ad::Tensor real({kSamples, dim});
  train::Batches(images_of_data, kSamples, key.fork(6))(0, real);
  const double step_seconds = seconds.count() / made;
  Table result("Training");
  result.add({{"images", n},
              {"parameters", params.size()},
              {"updates", updates},
              {"seconds", seconds.count()},
              {"ms_per_update", 1e3 * step_seconds},
              {"limit_ms", 1e3 * limit},
              {"share_of_limit", limit / step_seconds},
              {"U_data", mean_energy(energy, real)},
              {"U_samples", mean_energy(energy, drawn.last)},
              {"U_noise", mean_energy(energy, noises)}});
  std::cout << result.text() << "\n";
  Report report(
      "A convolutional energy of images",
      "Trained by persistent chains of few, long and nearly noiseless Langevin steps; new "
      "images are where such chains from noise end. Their shares are not a density's.");
  report.table(result);
  const auto picture = folder.figure("samples");
  const ImageGrid grid{side, side, kRows, kColumns};
  report.figure(
      draw(picture,
           {{"", {images("data", inks(real), grid), images("samples", inks(drawn.last), grid)}}}),
      picture, "Training images, and new ones from fresh noise.");
  folder.finish(std::move(report), result.rows());
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(argc, argv, "Trains a convolutional energy on images and draws new ones",
                         eqp::run);
}
