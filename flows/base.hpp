#pragma once

#include <string>
#include <vector>

#include "autodiff/params.hpp"
#include "flows/flow.hpp"

namespace eqp::flows {

/// N(mean, diag(scales^2)), fixed. With equal scales and no mean it records fewer passes.
class DiagonalGaussian : public Base {
 public:
  /// scales (d), mean (d) or empty: 0. Throws std::invalid_argument unless there is a scale, all
  /// are finite and positive, and the mean is finite.
  explicit DiagonalGaussian(std::vector<double> scales, std::vector<double> mean = {});

  std::size_t dim() const override { return scales_.size(); }
  ad::Var draw(ad::Var noise) const override;
  ad::Var log_prob(ad::Var z) const override;

 private:
  bool isotropic() const;

  std::vector<double> scales_, mean_;
};

/// N(0, variance I) in `dim` dimensions. Throws std::invalid_argument unless dim >= 1 and the
/// variance is finite and positive.
DiagonalGaussian standard_normal(std::size_t dim, double variance = 1);

/// N(mean, diag(exp(2 log_scale))) with `<name>.mean` (d) and `<name>.log_scale` (d) trained,
/// beginning at N(0, variance I).
class TrainableGaussian : public Base {
 public:
  /// Throws std::invalid_argument as standard_normal does.
  TrainableGaussian(ad::Params& params, const std::string& name, std::size_t dim,
                    double variance = 1);

  std::size_t dim() const override { return mean_.shape[0]; }
  ad::Var draw(ad::Var noise) const override;
  ad::Var log_prob(ad::Var z) const override;

 private:
  ad::Param mean_, log_scale_;
};

}  // namespace eqp::flows
