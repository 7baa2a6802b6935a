#include "flows/permutation.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace eqp::flows {
namespace {

Mapped reorder(ad::Var x, const std::vector<std::size_t>& order) {
  return {gather(x, 1, order), ad::full(*x.tape, {x.shape()[0]}, 0)};
}

}  // namespace

Permutation::Permutation(std::vector<std::size_t> order)
    : Bijection("permutation", order.size()),
      order_(std::move(order)),
      inverse_(order_.size(), order_.size()) {
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

Mapped Permutation::push(ad::Var z, ad::Var) const { return reorder(z, order_); }
Mapped Permutation::pull(ad::Var x, ad::Var) const { return reorder(x, inverse_); }

Permutation reversal(std::size_t dim) {
  std::vector<std::size_t> order(dim);
  for (std::size_t j = 0; j < dim; ++j) order[j] = dim - 1 - j;
  return Permutation(std::move(order));
}

Permutation shuffle(std::size_t dim, ad::Key key) { return Permutation(ad::permutation(dim, key)); }

}  // namespace eqp::flows
