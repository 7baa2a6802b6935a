#pragma once

#include "train/update.hpp"

// Minimisation of smooth functions that are the same at every evaluation: problems small enough
// that the whole of the data is a batch.
namespace eqp::train {

/// Writes the gradient at x and returns the value there. Values that are not finite make the line
/// search take shorter steps.
using ValueAndGradient = std::function<double(std::span<const Real> x, std::span<Real> gradient)>;

struct LbfgsOptions {
  std::uint32_t iterations = 1000;          // at most
  double gradient_tolerance = 1e-6;         // stop where no entry of the gradient is larger
  std::size_t history = 10;                 // steps that the curvature is estimated from
  double decrease = 1e-4, curvature = 0.9;  // see WolfeOptions
};

struct LbfgsResult {
  enum class Stop {
    gradient,    // it is as small as the tolerance
    iterations,  // they are used up
    stuck,       // no step goes down: rounding, or a gradient that is not that of the value
  };
  Stop stop = Stop::iterations;
  std::uint32_t iterations = 0, evaluations = 0;
  double value = 0;
  double gradient_norm = 0;  // the size of its largest entry
};

/// Moves x to a minimum of f by limited-memory BFGS (Nocedal 1980; Nocedal & Wright 2006,
/// algorithms 7.4 and 7.5) with steps that meet the strong Wolfe conditions. The first step has
/// length 1 in the 1-norm at most, as PyTorch's. Values count as rounded to Real: where they differ
/// by less, slopes decide, so that the gradient gets as small as its own rounding lets it.
/// Throws std::invalid_argument unless f is finite at x and 0 < decrease < curvature < 1.
LbfgsResult lbfgs(std::span<Real> x, const ValueAndGradient& f, const LbfgsOptions& options = {});

/// The same for the mean of a loss over fixed data, which is recorded once; inputs (n, ...). Throws
/// std::runtime_error naming the first bad operation when it is not finite at the start, and
/// std::invalid_argument if it is neither (n) nor ().
LbfgsResult lbfgs(ad::Params& params, std::span<const ad::ConstView> data, const Loss& loss,
                  const LbfgsOptions& options = {});

}  // namespace eqp::train
