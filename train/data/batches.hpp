#pragma once

#include <memory>

#include "autodiff/random.hpp"
#include "train/data/rows.hpp"

namespace eqp::train {

/// Mini-batches of a fixed data set in shuffled epochs, as a DataSource: batch t is a function of
/// (key, t) only, from any thread. A training that resumes at step t sees what it would have seen.
/// An epoch's last incomplete batch is dropped, so that every batch is a sample without repetition
/// and of one size; which rows those are changes from epoch to epoch. A data set smaller than the
/// batch repeats rows within it.
///
/// Holds no values: the rows are shared, and an epoch is an order of their numbers. Copies share
/// the order of the epoch last used, which a batch of another epoch shuffles anew, O(n).
class Batches {
 public:
  /// Throws std::invalid_argument without data or for a batch of 0.
  Batches(Rows data, std::size_t batch, ad::Key key);

  /// Fills out (batch, ...) with the rows of batch t. Throws std::invalid_argument for an out of
  /// another size.
  void operator()(std::uint32_t t, ad::View out) const;
  std::size_t per_epoch() const { return per_epoch_; }

 private:
  using Order = std::shared_ptr<const std::vector<std::size_t>>;
  struct Epoch;

  Order order(std::uint32_t epoch) const;

  Rows data_;
  std::size_t batch_, per_epoch_;
  ad::Key key_;
  std::shared_ptr<Epoch> last_used_;
};

}  // namespace eqp::train
