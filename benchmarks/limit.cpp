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

void add_product(const ad::Plan& plan, const ad::Step& step, std::vector<Product>& to) {
  const bool adds = std::string_view(step.op->name) == "add_product";
  const ad::Shape &a = plan.slots[step.in[adds ? 1 : 0]].shape, &c = plan.slots[step.out].shape;
  const std::size_t rank = c.rank();
  const bool transpose_a = step.attr.index[0] != 0, transpose_b = step.attr.index[1] != 0;
  to.push_back({.gemm = {.m = c[rank - 2],
                         .n = c[rank - 1],
                         .k = a[rank - (transpose_a ? 2 : 1)],
                         .transpose_a = transpose_a,
                         .transpose_b = transpose_b},
                .batch = rank == 3 ? c[0] : 1});
}

// The long side of its product goes over the positions of all images.
void add_convolution(const ad::Plan& plan, const ad::Step& step, std::vector<Product>& to) {
  constexpr std::size_t kPositions = 256;  // of a part
  const std::string_view name = step.op->name;
  const bool of_weight = name == "conv2d_weight", back = name == "conv_transpose2d";
  const auto shape = [&](std::uint32_t slot) { return plan.slots[slot].shape; };
  const ad::Shape w = shape(of_weight ? step.out : step.in[1]);  // (kh kw, in, out)
  const std::size_t wide = w[0] * w[back ? 2 : 1], narrow = w[back ? 1 : 2];
  const ad::Shape y = shape(back ? step.in[0] : of_weight ? step.in[1] : step.out);
  const std::size_t positions = y[0] * y[2] * y[3];
  const auto add = [&](std::size_t part, std::size_t times) {
    if (part == 0 || times == 0) return;
    const ad::Gemm forward{.m = part, .n = narrow, .k = wide};
    const ad::Gemm backward{.m = part, .n = wide, .k = narrow};
    const ad::Gemm sum{.m = wide, .n = narrow, .k = part, .transpose_a = true, .accumulate = true};
    to.push_back({.gemm = of_weight ? sum : back ? backward : forward, .times = times});
  };
  add(kPositions, positions / kPositions);
  add(positions % kPositions, 1);
}

std::vector<Product> products_of(const ad::Plan& plan) {
  std::vector<Product> products;
  for (const ad::Step& step : plan.steps) {
    const std::string_view name = step.op->name;
    if (name == "matmul" || name == "affine" || name == "add_product") {
      add_product(plan, step, products);
    } else if (name == "conv2d" || name == "conv_transpose2d" || name == "conv2d_weight") {
      add_convolution(plan, step, products);
    }
  }
  return products;
}

}  // namespace

Limit::Task Limit::task(std::vector<Product> products) {
  std::size_t a = 0, b = 0, c = 0;
  for (const auto& [gemm, batch, times] : products) {
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
          for (const auto& [gemm, batch, times] : products) {
            const auto [m, n, inner, ta, tb, accumulate] = gemm;
            for (std::size_t j = 0; j < batch * times; ++j) {
              const std::size_t at = j % batch;
              ad::gemm(gemm, &a[at * m * inner], &b[at * inner * n], &c[at * m * n]);
            }
          }
        }
      });
    }
  }
  return (seconds_since(start) / passes + moving) / steps_;
}

}  // namespace eqp::bench
