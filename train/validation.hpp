#pragma once

#include <map>

#include "train/objective.hpp"

namespace eqp::train {

/// The mean loss of an objective over a data set, each row once, at the parameters as they are:
/// what early stopping and the choice of a model look at.
class Validation {
 public:
  /// Steps 0, 1, ... of the objective feed its `batch` rows each and the last one those that are
  /// left, `rows` in all, from a source such as
  ///   [=](std::uint32_t t, ad::View out) { rows.copy(t * batch, out); }
  /// Noise is the same at every call, so that losses of different parameters compare. The loss is
  /// one per row, and feed moves no chains, whose number is fixed. Throws std::invalid_argument for
  /// a batch of 0 or no rows.
  Validation(Objective objective, std::size_t rows);

  /// Has the same bits on any number of threads. Throws std::runtime_error, naming the row and the
  /// first bad operation, for a loss that is not finite, and std::invalid_argument unless the loss
  /// of n rows is (n).
  double loss();

 private:
  double sum_of_losses(std::span<const ad::View> in, std::size_t first_row);

  Objective objective_;
  std::size_t rows_;
  ad::Batched losses_;
  std::vector<ad::Tensor> batch_;
  std::vector<std::map<std::size_t, ad::Workspace>> workspaces_;  // of each worker, by rows
};

}  // namespace eqp::train
