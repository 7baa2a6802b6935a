#pragma once

#include <vector>

#include "autodiff/ops/gemm.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"

namespace eqp::bench {

/// A matrix product on each of a batch of operands, several times.
struct Product {
  ad::Gemm gemm;
  std::size_t batch = 1, times = 1;
};

/// What a step would cost if all but its matrix products were free: these alone, by our kernels on
/// operands that stay in cache where they fit, plus its inputs and outputs moved once at the
/// bandwidth of memory. A convolution counts as the products it would be with images unrolled
/// (im2col), in parts of equal size on the same operands, which are always in cache.
class Limit {
 public:
  /// `steps`: how many steps all parts together stand for.
  explicit Limit(std::uint32_t steps = 1) : steps_(steps) {}

  /// A part of the step: f, compiled per number of rows, runs `times` times on each block (of 0
  /// rows: as the program suggests), blocks in parallel, parts one after another. Input i of f is
  /// (rows, row_shapes[i]...).
  void add(ad::Blocks blocks, const std::vector<ad::Shape>& row_shapes, const ad::Function& f,
           std::size_t times = 1);
  /// What is moved besides the inputs and outputs of the parts.
  void add_traffic(std::size_t reals) { reals_ += double(reals); }

  /// Seconds per step, measured over about this many.
  double measure(std::uint32_t steps);

 private:
  struct Task {  // of one block
    std::vector<Product> products;
    ad::Tensor a, b, c;  // as large as the largest operands and result
  };
  struct Part {
    std::vector<Task> tasks;
    std::size_t times;
  };
  static Task task(std::vector<Product> products);

  std::uint32_t steps_;
  double reals_ = 0;
  std::vector<Part> parts_;
};

}  // namespace eqp::bench
