#include "flows/permutation.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace eqp::flows {
namespace {

Mapped reorder(ad::Var x, const std::vector<std::size_t>& order) {
  check_batch("permutation", x, order.size());
  return {gather(x, 1, order), ad::full(*x.tape, {x.shape()[0]}, 0)};
}

}  // namespace

Permutation::Permutation(std::vector<std::size_t> order)
    : order_(std::move(order)), inverse_(order_.size(), order_.size()) {
  for (std::size_t j = 0; j < order_.size(); ++j) {
    if (order_[j] < order_.size() && inverse_[order_[j]] == order_.size()) {
      inverse_[order_[j]] = j;
      continue;
    }
    throw std::invalid_argument("permutation: entry " + std::to_string(j) + " is " +
                                std::to_string(order_[j]) + "; need each of 0 ... " +
                                std::to_string(order_.size() - 1) + " once");
  }
}

Mapped Permutation::forward(ad::Var z) const { return reorder(z, order_); }
Mapped Permutation::inverse(ad::Var x) const { return reorder(x, inverse_); }

Permutation reversal(std::size_t dim) {
  std::vector<std::size_t> order(dim);
  for (std::size_t j = 0; j < dim; ++j) order[j] = dim - 1 - j;
  return Permutation(std::move(order));
}

}  // namespace eqp::flows
