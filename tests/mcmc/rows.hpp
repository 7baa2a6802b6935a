#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/mcmc/runs.hpp"

// The table of kernels: a row buys all tests in kernels.cpp.
namespace eqp::mcmc::test {

/// What a kernel is made from: an energy in 2-D and a proposal that covers its target.
struct Problem {
  Energy energy;
  Proposal proposal;
};

/// One kernel behind functions of one type.
struct Row {
  std::string name;
  double ula_step = 0;      // 0: exact; else the kernel is ULA with this step
  bool unadjusted = false;  // without a rejection, so exact at most on a Gaussian
  bool shrinks = false;     // its proposals come as near as it takes
  bool replicas = false;    // x() is a part of its state: exact only where the rest is
  std::function<RunResult(const Problem&, ad::ConstView x0, const RunOptions&)> run;
  /// Calls init; returns the step, whose result is a view of the positions.
  std::function<std::function<ad::View(const ad::BlockRng&)>(const Problem&, ad::ConstView x0)>
      start;
  /// Starts at x0; calls between(); writes x, refreshes and takes one step.
  std::function<ad::Tensor(const Problem&, ad::ConstView x0, const std::function<void()>& between,
                           ad::ConstView x, const ad::BlockRng&)>
      refreshed;
};

/// Step sizes are large, so that the accept step matters.
std::vector<Row> rows();
/// Most of them in one dimension, for any target on a line.
std::vector<Row> rows_on_a_line();

}  // namespace eqp::mcmc::test
