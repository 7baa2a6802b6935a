#include "train/data/batches.hpp"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>

namespace eqp::train {

struct Batches::Epoch {
  std::mutex mutex;
  std::uint32_t number = 0;
  Order order;
};

Batches::Batches(Rows data, std::size_t batch, ad::Key key)
    : data_(std::move(data)), batch_(batch), key_(key), last_used_(std::make_shared<Epoch>()) {
  if (data_.rows() == 0 || batch == 0) {
    throw std::invalid_argument("batches: " + std::to_string(batch) + " of " +
                                std::to_string(data_.rows()) + " rows; need at least 1 of each");
  }
  per_epoch_ = std::max<std::size_t>(1, data_.rows() / batch_);
}

Batches::Order Batches::order(std::uint32_t epoch) const {
  Epoch& last = *last_used_;
  const std::scoped_lock lock(last.mutex);
  if (!last.order || last.number != epoch) {
    last.order = std::make_shared<const std::vector<std::size_t>>(
        ad::permutation(data_.rows(), key_, epoch));
    last.number = epoch;
  }
  return last.order;
}

void Batches::operator()(std::uint32_t t, ad::View out) const {
  if (out.rows() != batch_ || out.cols() != data_.cols()) {
    throw std::invalid_argument("batches: " + str(out.shape) + " wanted of batches " +
                                str(ad::Shape{batch_, data_.cols()}));
  }
  const Order rows = order(std::uint32_t(t / per_epoch_));
  const std::size_t first = t % per_epoch_ * batch_;
  for (std::size_t i = 0; i < batch_; ++i) {
    std::ranges::copy(data_.row((*rows)[(first + i) % rows->size()]), out.row(i).begin());
  }
}

}  // namespace eqp::train
