#include "benchmarks/limit.hpp"

#include <chrono>
#include <string_view>

#include "autodiff/plan.hpp"

namespace eqp::bench {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Bytes per second of a = b + s c (McCalpin's triad) on the current threads, counted as he does:
// what a write reads beforehand is not. The arrays are beyond any cache.
double bandwidth() {
  static const double measured = [] {
    constexpr std::size_t n = std::size_t(128) << 20 >> 3;  // 128 MiB of doubles
    std::vector<double> a(n), b(n, 1), c(n, 2);
    const ad::Blocks blocks{n, n / 64};
    double best = 1e30;
    for (int repeat = 0; repeat < 5; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      ad::parallel_for(blocks.count(), [&](std::size_t block) {
        const std::size_t end = blocks.first(block) + blocks.size(block);
        for (std::size_t i = blocks.first(block); i < end; ++i) a[i] = b[i] + 3 * c[i];
      });
      best = std::min(best, seconds_since(start));
    }
    return 3 * double(n) * sizeof(double) / best;
  }();
  return measured;
}

std::size_t inputs_and_outputs(const ad::Plan& plan) {
  std::size_t n = 0;
  for (const std::uint32_t id : plan.inputs) n += plan.slots[id].shape.size();
  for (const std::uint32_t id : plan.outputs) n += plan.slots[id].shape.size();
  return n;
}

}  // namespace

std::vector<Limit::Product> Limit::products_of(const ad::Plan& plan) {
  std::vector<Product> products;
  for (const ad::Step& step : plan.steps) {
    const std::string_view name = step.op->name;
    const bool adds = name == "add_product";
    if (name != "matmul" && name != "affine" && !adds) continue;
    const ad::Shape &a = plan.slots[step.in[adds ? 1 : 0]].shape, &c = plan.slots[step.out].shape;
    const std::size_t rank = c.rank();
    const bool transpose_a = step.attr.index[0] != 0, transpose_b = step.attr.index[1] != 0;
    products.push_back({.gemm = {.m = c[rank - 2],
                                 .n = c[rank - 1],
                                 .k = a[rank - (transpose_a ? 2 : 1)],
                                 .transpose_a = transpose_a,
                                 .transpose_b = transpose_b},
                        .batch = rank == 3 ? c[0] : 1});
  }
  return products;
}

Limit::Task Limit::task(std::vector<Product> products) {
  std::size_t a = 0, b = 0, c = 0;
  for (const auto& [gemm, batch] : products) {
    ad::prepare_gemm(gemm);
    a = std::max(a, batch * gemm.m * gemm.k);
    b = std::max(b, batch * gemm.k * gemm.n);
    c = std::max(c, batch * gemm.m * gemm.n);
  }
  return {std::move(products), ad::Tensor({a}), ad::Tensor({b}), ad::Tensor({c})};
}

void Limit::add(ad::Blocks blocks, const std::vector<ad::Shape>& row_shapes, const ad::Function& f,
                std::size_t times) {
  const ad::Batched program(row_shapes, f);
  if (blocks.block == 0) blocks.block = program.block(blocks.rows);
  // A gradient with respect to parameters leaves once per batch, not once per block.
  reals_ += double(inputs_and_outputs(program.program(blocks.rows).plan())) * double(times);
  const std::size_t last = blocks.count() - 1;
  const std::vector<Product> whole = products_of(program.program(blocks.size(0)).plan());
  const std::vector<Product> rest = products_of(program.program(blocks.size(last)).plan());
  Part part{.times = times};
  for (std::size_t b = 0; b <= last; ++b) part.tasks.push_back(task(b < last ? whole : rest));
  parts_.push_back(std::move(part));
}

double Limit::measure(std::uint32_t steps) {
  const std::uint32_t passes = std::max(1u, steps / steps_);
  const double moving = reals_ * sizeof(Real) / bandwidth();
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t pass = 0; pass < passes; ++pass) {
    for (Part& part : parts_) {
      ad::parallel_for(part.tasks.size(), [&](std::size_t i) {
        auto& [products, a, b, c] = part.tasks[i];
        for (std::size_t k = 0; k < part.times; ++k) {
          for (const auto& [gemm, batch] : products) {
            const auto [m, n, inner, ta, tb, accumulate] = gemm;
            for (std::size_t j = 0; j < batch; ++j) {
              ad::gemm(gemm, &a[j * m * inner], &b[j * inner * n], &c[j * m * n]);
            }
          }
        }
      });
    }
  }
  return (seconds_since(start) / passes + moving) / steps_;
}

}  // namespace eqp::bench
