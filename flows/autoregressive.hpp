#pragma once

#include <memory>
#include <string>

#include "flows/bijection.hpp"
#include "flows/monotone.hpp"
#include "nn/made.hpp"

namespace eqp::flows {

/// The direction of an autoregressive map that takes one pass of its network. The other computes
/// coordinate after coordinate, at a similar number of operations but in small products.
enum class OnePass {
  /// Data to latent: masked autoregressive flow (Papamakarios et al. 2017).
  inverse,
  /// Latent to data: inverse autoregressive flow (Kingma et al. 2016).
  forward,
};

struct AutoregressiveOptions {
  std::vector<std::size_t> hidden = {64, 64};
  nn::Activation activation = ad::relu;
  OnePass one_pass = OnePass::inverse;
  std::size_t context_dim = 0;
};

/// Coordinate j moves by an increasing map whose parameters depend on coordinates 0 ... j - 1 of
/// the side that one pass starts from, and on the context. It begins as the identity.
class Autoregressive : public Bijection {
 public:
  /// Parameters are those of nn::Made under `name`. Throws std::invalid_argument for a family on a
  /// circle.
  Autoregressive(ad::Params& params, const std::string& name, std::size_t dim,
                 std::shared_ptr<const Monotone> family, const AutoregressiveOptions& options,
                 ad::Key key);

  std::vector<double> seams() const override { return family_->seams(); }

 private:
  using Apply = Monotone::Value (Monotone::*)(ad::Var, ad::Var) const;

  Mapped push(ad::Var z, ad::Var context) const override;
  Mapped pull(ad::Var x, ad::Var context) const override;
  Mapped in_one_pass(ad::Var x, ad::Var context, Apply apply) const;
  Mapped one_by_one(ad::Var x, ad::Var context, Apply apply) const;

  std::shared_ptr<const Monotone> family_;
  OnePass one_pass_;
  nn::Made net_;
};

}  // namespace eqp::flows
