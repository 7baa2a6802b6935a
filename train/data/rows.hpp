#pragma once

#include <memory>
#include <span>
#include <vector>

#include "autodiff/tensor.hpp"

namespace eqp::train {

/// Some rows of a data set, in some order. The data themselves are shared and never change: parts
/// and copies hold numbers of rows, however large a row is.
class Rows {
 public:
  /// No rows.
  Rows() : Rows(ad::Tensor()) {}
  /// All rows of data (n, ...), whose memory it takes over when the data are moved in.
  explicit Rows(ad::Tensor data);

  std::size_t rows() const { return size_; }
  /// Elements per row.
  std::size_t cols() const { return data_->cols(); }
  std::span<const Real> row(std::size_t i) const { return data_->row(number(i)); }
  /// Which row of the data row i is: for labels and whatever else there is per row.
  std::size_t number(std::size_t i) const { return numbers_ ? (*numbers_)[i] : i; }

  /// The rows that stand at these places here. Throws std::invalid_argument for a place beyond the
  /// last one.
  Rows part(std::span<const std::size_t> places) const;
  /// Copies the rows from `first` on to out (n, ...). Throws std::invalid_argument unless there are
  /// n, of as many elements.
  void copy(std::size_t first, ad::View out) const;

 private:
  std::shared_ptr<const ad::Tensor> data_;
  std::shared_ptr<const std::vector<std::size_t>> numbers_;  // null: all, in order
  std::size_t size_;
};

}  // namespace eqp::train
