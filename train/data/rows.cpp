#include "train/data/rows.hpp"

#include <stdexcept>
#include <string>

namespace eqp::train {

Rows::Rows(ad::Tensor data)
    : data_(std::make_shared<const ad::Tensor>(std::move(data))), size_(data_->rows()) {}

Rows Rows::part(std::span<const std::size_t> places) const {
  std::vector<std::size_t> numbers;
  numbers.reserve(places.size());
  for (const std::size_t place : places) {
    if (place >= size_) {
      throw std::invalid_argument("rows: place " + std::to_string(place) + " of " +
                                  std::to_string(size_));
    }
    numbers.push_back(number(place));
  }
  Rows result = *this;
  result.size_ = numbers.size();
  result.numbers_ = std::make_shared<const std::vector<std::size_t>>(std::move(numbers));
  return result;
}

void Rows::copy(std::size_t first, ad::View out) const {
  if (first > size_ || out.rows() > size_ - first || (out.rows() > 0 && out.cols() != cols())) {
    throw std::invalid_argument("rows: " + str(out.shape) + " wanted from row " +
                                std::to_string(first) + " on of " + str(ad::Shape{size_, cols()}));
  }
  for (std::size_t i = 0; i < out.rows(); ++i) {
    std::ranges::copy(row(first + i), out.row(i).begin());
  }
}

}  // namespace eqp::train
