#pragma once

#include <vector>

#include "autodiff/random.hpp"

namespace eqp::train {

/// Mini-batches of a fixed data set in shuffled epochs. Batch t is a function of (key, t) only: a
/// training that resumes at step t sees what it would have seen. An epoch's last incomplete batch
/// is dropped, so that every batch is a sample without repetition; a data set smaller than the
/// batch repeats rows within it.
class Batches {
 public:
  /// Throws std::invalid_argument without data or for a batch of 0.
  Batches(ad::Tensor data, std::size_t batch, ad::Key key);

  /// Fills out (batch, d) with the rows of batch t. Not for several threads at once: it keeps the
  /// order of the current epoch.
  void fill(std::uint32_t t, ad::View out);
  std::size_t per_epoch() const { return per_epoch_; }

 private:
  ad::Tensor data_;
  std::size_t batch_, per_epoch_;
  ad::Key key_;
  std::vector<std::size_t> order_;
  std::uint32_t epoch_ = 0;
};

}  // namespace eqp::train
