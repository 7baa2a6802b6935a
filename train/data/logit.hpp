#pragma once

#include <vector>

#include "autodiff/program.hpp"
#include "flows/flow.hpp"

namespace eqp::train {

/// The logit map of data x in [0, 1]^d to R^d: y = log(a / (1 - a)) with a = alpha + (1 - 2 alpha)
/// x, whose alpha keeps the ends finite (Papamakarios, Pavlakou & Murray 2017, with alpha 1e-6 for
/// MNIST and 0.05 for CIFAR-10; Dinh, Sohl-Dickstein & Bengio 2017, section 4.1, print 1 - alpha).
///
/// Per coordinate dy/dx = (1 - 2 alpha) (1/a + 1/(1 - a)) = (1 - 2 alpha) / (a (1 - a)), so that
/// log|det dy/dx| = sum_j log(1 - 2 alpha) - log a_j - log(1 - a_j).
///
/// On the rows of a batch it prepares data once; as the last layer of a flow, of which y is the
/// latent side, it lets the flow's own log_prob be that of x.
class Logit final : public flows::Bijection {
 public:
  /// Throws std::invalid_argument unless dim >= 1 and 0 < alpha < 1/2.
  explicit Logit(std::size_t dim, double alpha = 1e-6);

  /// x <- y, in place. Returns log|det dy/dx| per row (n). Throws std::invalid_argument, naming row
  /// and column, for an entry outside [0, 1], and for another number of columns than dim.
  std::vector<double> apply(ad::View x) const;
  /// y <- x: undoes apply, to rounding.
  void invert(ad::View y) const;

 private:
  /// y -> x, which is within (0, 1) where y is logit(alpha) to -logit(alpha).
  flows::Mapped push(ad::Var y, ad::Var context) const override;
  flows::Mapped pull(ad::Var x, ad::Var context) const override;

  double alpha_;
  ad::Batched apply_, invert_;
};

}  // namespace eqp::train
