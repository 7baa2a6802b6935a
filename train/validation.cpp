#include "train/validation.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "autodiff/non_finite.hpp"
#include "autodiff/parallel.hpp"

namespace eqp::train {

Validation::Validation(Objective objective, std::size_t rows)
    : objective_(std::move(objective)),
      rows_(rows),
      losses_(objective_.row_shapes,
              [name = objective_.name,
               loss = objective_.loss](std::span<const ad::Var> in) -> ad::Vars {
                const ad::Shape needed{in[0].shape()[0]};
                const ad::Var of_rows = loss(in);
                if (of_rows.shape() == needed) return {of_rows};
                throw std::invalid_argument(name + ": a validation loss of shape " +
                                            str(of_rows.shape()) + "; need " + str(needed));
              }) {
  if (objective_.batch == 0 || rows == 0) {
    throw std::invalid_argument(objective_.name + ": validation in batches of " +
                                std::to_string(objective_.batch) + " of " + std::to_string(rows) +
                                " rows; need at least 1 of each");
  }
  for (const ad::Shape& row : objective_.row_shapes) {
    batch_.emplace_back(ad::batch_shape(std::min(objective_.batch, rows), row));
  }
}

double Validation::loss() {
  if (workspaces_.size() < ad::n_workers()) workspaces_.resize(ad::n_workers());
  const ad::Blocks batches{rows_, objective_.batch};
  double sum = 0;
  for (std::size_t t = 0; t < batches.count(); ++t) {
    std::vector<ad::View> in;
    for (ad::Tensor& x : batch_) in.push_back(x.view().slice(0, batches.size(t)));
    StepLog log;
    objective_.feed(std::uint32_t(t), in, log);
    sum += sum_of_losses(in, batches.first(t));
  }
  return sum / double(rows_);
}

double Validation::sum_of_losses(std::span<const ad::View> in, std::size_t first_row) {
  const ad::Blocks blocks{in[0].rows(), losses_.block(in[0].rows())};
  std::vector<double> sums(blocks.count());
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    const std::size_t first = blocks.first(b), rows = blocks.size(b);
    auto& mine = workspaces_[ad::worker()];
    auto at = mine.find(rows);
    if (at == mine.end()) at = mine.emplace(rows, losses_.workspace(rows)).first;
    ad::Workspace& ws = at->second;
    for (std::size_t k = 0; k < in.size(); ++k) {
      std::ranges::copy(in[k].slice(first, rows).flat(), ws.in(k).data);
    }
    try {
      ws.run_checked();
    } catch (const ad::NonFinite& e) {
      const std::size_t top = first_row + first;
      const std::string where =
          e.row ? "row " + std::to_string(top + *e.row)
                : "rows " + std::to_string(top) + " to " + std::to_string(top + rows - 1);
      throw std::runtime_error(objective_.name + ": in " + where +
                               " of the validation data: " + e.what());
    }
    for (const Real v : ws.out(0).flat()) sums[b] += v;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace eqp::train
