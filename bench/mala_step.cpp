// The time of a MALA step against that of its bare matrix products.
//
//   build/release/bin/bench_mala_step [chains] [width]      (default 1024 128)
//
// Energy 2-width-width-1 with SiLU in f32, all cores, both measured in turn; medians of 15. Prints
// the two times per step and their ratio.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "autodiff/ops/gemm.hpp"
#include "autodiff/parallel.hpp"
#include "mcmc/mala.hpp"
#include "mcmc/run.hpp"
#include "nn/mlp.hpp"

using namespace eqp;

namespace {

constexpr std::uint32_t kSteps = 100;
constexpr std::size_t kDim = 2, kBlock = 64;

template <class F>
double seconds(F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

// The products of one block's energy and gradient: three layers forward, three back.
struct Products {
  std::size_t rows, width;
  ad::Tensor x{{rows, kDim}}, h{{rows, width}}, u{{rows, 1}};
  ad::Tensor w1{{kDim, width}}, w2{{width, width}}, w3{{width, 1}}, g{{rows, width}};

  void run() {
    ad::gemm({.m = rows, .n = width, .k = kDim}, x.view().data, w1.view().data, h.view().data);
    ad::gemm({.m = rows, .n = width, .k = width}, h.view().data, w2.view().data, g.view().data);
    ad::gemm({.m = rows, .n = 1, .k = width}, g.view().data, w3.view().data, u.view().data);
    ad::gemm({.m = rows, .n = width, .k = 1}, u.view().data, w3.view().data, g.view().data);
    ad::gemm({.m = rows, .n = width, .k = width}, g.view().data, w2.view().data, h.view().data);
    ad::gemm({.m = rows, .n = kDim, .k = width}, h.view().data, w1.view().data, x.view().data);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t chains = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1024;
  const std::size_t width = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 128;

  ad::Params params;
  const nn::Mlp net(params, "net", {kDim, width, width, 1}, ad::silu, {1, 0});
  const mcmc::Energy energy = [&](ad::Var x) { return sum(net(x), 1) + 0.5 * sum(square(x), 1); };
  const mcmc::Mala mala(energy, kDim, {.step_size = 0.01});
  mcmc::Chains<mcmc::Mala> states(mala, ad::normal({chains, kDim}, {1, 1}), kBlock);

  const ad::Blocks blocks{chains, kBlock};
  std::vector<Products> products;
  for (std::size_t b = 0; b < blocks.count(); ++b) products.push_back({blocks.size(b), width});

  std::vector<double> step, product;
  for (int repeat = 0; repeat < 15; ++repeat) {
    step.push_back(seconds([&] { states.advance(mala, 0, kSteps, {1, 2}); }) / kSteps);
    product.push_back(seconds([&] {
                        ad::parallel_for(blocks.count(), [&](std::size_t b) {
                          for (std::uint32_t k = 0; k < kSteps; ++k) products[b].run();
                        });
                      }) /
                      kSteps);
  }
  std::printf(
      "%zu chains, energy 2-%zu-%zu-1: MALA step %.1f us, its products %.1f us, ratio %.2f\n",
      chains, width, width, median(step) * 1e6, median(product) * 1e6,
      median(step) / median(product));
}
