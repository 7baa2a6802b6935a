#include "train/bank.hpp"

#include <stdexcept>
#include <string>

namespace eqp::train {

Bank::Bank(std::size_t size, std::size_t dim, mcmc::Sampler start, ad::Key key)
    : start_(std::move(start)), key_(key), states_({size, dim}) {
  if (size == 0) throw std::invalid_argument("bank: 0 states: need at least 1");
  start_(states_, key_.fork(0), 0);
}

void Bank::take(std::uint32_t t, ad::View out) {
  if (out.rows() > states_.rows()) {
    throw std::invalid_argument("bank: " + std::to_string(out.rows()) + " states wanted of " +
                                std::to_string(states_.rows()));
  }
  taken_ = ad::sample_without_replacement(states_.rows(), out.rows(), key_.fork(1), t);
  for (std::size_t i = 0; i < out.rows(); ++i) {
    std::ranges::copy(states_.row(taken_[i]), out.row(i).begin());
  }
}

void Bank::restart(std::uint32_t t, double probability, ad::View out) const {
  if (probability == 0) return;
  const ad::BlockRng rng{key_.fork(2), t};
  const ad::Key fresh = key_.fork(3).fork(t);
  for (std::size_t i = 0; i < out.rows(); ++i) {
    if (rng.uniform(i) < probability) start_(out.slice(i, 1), fresh, std::uint32_t(i));
  }
}

void Bank::put_back(ad::ConstView rows) {
  if (rows.rows() != taken_.size()) {
    throw std::logic_error("bank: " + std::to_string(rows.rows()) + " states put back, " +
                           std::to_string(taken_.size()) + " were taken");
  }
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    std::ranges::copy(rows.row(i), states_.row(taken_[i]).begin());
  }
}

void Bank::replace(std::span<const std::size_t> parents) {
  const ad::Tensor before = states_;
  for (std::size_t i = 0; i < parents.size(); ++i) {
    std::ranges::copy(before.row(parents[i]), states_.row(i).begin());
  }
}

}  // namespace eqp::train
