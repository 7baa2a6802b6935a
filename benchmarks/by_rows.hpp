#pragma once

#include <vector>

#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"

namespace eqp::bench {

/// A function of rows, run on a batch block by block on all threads.
class ByRows {
 public:
  /// In blocks of 0 rows: as the program suggests.
  ByRows(const ad::Blocks& blocks, std::vector<ad::Shape> row_shapes, ad::Function f)
      : blocks_(blocks) {
    const ad::Batched program(std::move(row_shapes), std::move(f));
    if (blocks_.block == 0) blocks_.block = program.block(blocks_.rows);
    for (std::size_t b = 0; b < blocks_.count(); ++b) {
      workspaces_.push_back(program.workspace(blocks_.size(b)));
    }
  }
  std::size_t block() const { return blocks_.block; }

  /// fill(first row, workspace) writes a block's inputs, then the block runs.
  template <class Fill>
  void run(const Fill& fill) {
    ad::parallel_for(workspaces_.size(), [&](std::size_t b) {
      fill(blocks_.first(b), workspaces_[b]);
      workspaces_[b].run();
    });
  }
  /// The same on inputs (n, ...).
  void run_on(std::span<const ad::ConstView> in) {
    run([&](std::size_t first, ad::Workspace& ws) {
      for (std::size_t k = 0; k < in.size(); ++k) {
        const ad::View to = ws.in(k);
        std::ranges::copy(in[k].slice(first, to.rows()).flat(), to.data);
      }
    });
  }

  /// The k-th output of the last run, all rows of it.
  ad::Tensor out(std::size_t k) const {
    ad::Shape shape = workspaces_[0].out(k).shape;
    shape[0] = blocks_.rows;
    ad::Tensor all(shape);
    for (std::size_t b = 0; b < workspaces_.size(); ++b) {
      std::ranges::copy(workspaces_[b].out(k).flat(),
                        all.view().slice(blocks_.first(b), blocks_.size(b)).data);
    }
    return all;
  }

 private:
  ad::Blocks blocks_;
  std::vector<ad::Workspace> workspaces_;
};

}  // namespace eqp::bench
