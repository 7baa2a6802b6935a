#pragma once

#include <vector>

#include "flows/flow.hpp"

namespace eqp::flows {

/// What lies outside of the box of a uniform density.
enum class Outside {
  /// Density 0: log_prob is -infinity.
  empty,
  /// The box again: a torus, on which the density is the same everywhere.
  periodic,
};

/// The uniform density on a box. A draw is low + (high - low) Phi(noise).
class UniformBox : public Base {
 public:
  /// low, high (d). Throws std::invalid_argument unless they are equally many, at least 1, finite,
  /// and low < high.
  UniformBox(std::vector<double> low, std::vector<double> high, Outside outside = Outside::empty);

  std::size_t dim() const override { return low_.size(); }
  ad::Var draw(ad::Var noise) const override;
  ad::Var log_prob(ad::Var z) const override;

 private:
  std::vector<double> low_, high_;
  Outside outside_;
};

/// The standard normal distribution function.
ad::Var normal_cdf(ad::Var x);

}  // namespace eqp::flows
