#include "train/data/batches.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace eqp::train {

Batches::Batches(ad::Tensor data, std::size_t batch, ad::Key key)
    : data_(std::move(data)), batch_(batch), key_(key) {
  if (data_.rows() == 0 || batch == 0) {
    throw std::invalid_argument("batches: " + std::to_string(batch) + " of " +
                                std::to_string(data_.rows()) + " rows; need at least 1 of each");
  }
  per_epoch_ = std::max<std::size_t>(1, data_.rows() / batch_);
}

void Batches::fill(std::uint32_t t, ad::View out) {
  const auto epoch = std::uint32_t(t / per_epoch_);
  if (order_.empty() || epoch != epoch_) {
    order_ = ad::permutation(data_.rows(), key_, epoch);
    epoch_ = epoch;
  }
  const std::size_t first = t % per_epoch_ * batch_;
  for (std::size_t i = 0; i < out.rows(); ++i) {
    std::ranges::copy(data_.row(order_[(first + i) % order_.size()]), out.row(i).begin());
  }
}

}  // namespace eqp::train
