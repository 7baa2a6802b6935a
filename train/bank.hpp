#pragma once

#include <span>
#include <vector>

#include "autodiff/archive.hpp"
#include "mcmc/targets/target.hpp"

namespace eqp::train {

/// The persistent states of maximum-likelihood training: a set of positions of which each update
/// uses a random part.
class Bank {
 public:
  /// Throws std::invalid_argument for an empty bank.
  Bank(std::size_t size, std::size_t dim, mcmc::Sampler start, ad::Key key);

  /// Copies random distinct slots to out (n, d), a function of (key, t). Throws
  /// std::invalid_argument when n exceeds the bank.
  void take(std::uint32_t t, ad::View out);
  /// Replaces each row of out, with the given probability, by a fresh start.
  void restart(std::uint32_t t, double probability, ad::View out) const;
  /// Writes the rows back to the slots last taken. Throws std::logic_error for another number.
  void put_back(ad::ConstView rows);
  /// The slots last taken, in the order of their rows.
  std::span<const std::size_t> taken() const { return taken_; }
  /// Every state becomes that of its parent (size of the bank).
  void replace(std::span<const std::size_t> parents);

  const ad::Tensor& states() const { return states_; }
  void archive(ad::Archive& a) { a("states", states_); }

 private:
  mcmc::Sampler start_;
  ad::Key key_;
  ad::Tensor states_;
  std::vector<std::size_t> taken_;
};

}  // namespace eqp::train
