#pragma once

#include <string>

#include "autodiff/random.hpp"
#include "flows/flow.hpp"

namespace eqp::flows {

struct MixtureOptions {
  std::size_t components = 8;
  /// Standard deviation of the first means around 0, and of each component.
  double spread = 2, scale = 1;
};

/// A trainable mixture of Gaussians with diagonal covariances: `<name>.mean` and `<name>.log_scale`
/// (K, d), `<name>.logit` (K) of the weights, which begin equal. A draw takes d + 1 normals, the
/// last of which chooses the component; its derivatives reach means and scales, not the weights,
/// which the reverse divergence therefore cannot learn.
class TrainableMixture : public Base {
 public:
  /// Throws std::invalid_argument without dimensions or components, or unless spread and scale are
  /// finite and positive.
  TrainableMixture(ad::Params& params, const std::string& name, std::size_t dim,
                   const MixtureOptions& options, ad::Key key);

  std::size_t dim() const override { return mean_.shape[1]; }
  std::size_t noise_dim() const override { return dim() + 1; }
  ad::Var draw(ad::Var noise) const override;
  ad::Var log_prob(ad::Var z) const override;

 private:
  std::size_t n_components() const { return mean_.shape[0]; }
  ad::Var log_weights(ad::Tape& tape) const;

  ad::Param mean_, log_scale_, logit_;
};

}  // namespace eqp::flows
