#pragma once

#include "flows/coupling.hpp"
#include "flows/monotone.hpp"
#include "nn/mlp.hpp"

namespace eqp::flows {

struct MonotoneCouplingOptions {
  std::vector<std::size_t> hidden = {64, 64};
  nn::Activation activation = ad::relu;
  std::size_t context_dim = 0;
};

/// A coupling that moves its half by increasing maps of a family, such as splines (Durkan et al.
/// 2019, "Neural spline flows", section 3.2). It begins as the identity.
class MonotoneCoupling : public Coupling {
 public:
  /// One network `<name>`, (features of copied + context, hidden..., P moved). Throws
  /// std::invalid_argument when dim < 2.
  MonotoneCoupling(ad::Params& params, const std::string& name, std::size_t dim, Half moved,
                   std::shared_ptr<const Monotone> family, const MonotoneCouplingOptions& options,
                   ad::Key key);

  std::vector<double> seams() const override { return family_->seams(); }
  double period() const override { return family_->period(); }
  MappedHalves forward(const Halves& z, ad::Var context) const override;
  MappedHalves inverse(const Halves& x, ad::Var context) const override;

 private:
  using Apply = Monotone::Value (Monotone::*)(ad::Var, ad::Var) const;

  MappedHalves move(const Halves& x, ad::Var context, Apply apply) const;

  std::shared_ptr<const Monotone> family_;
  nn::Mlp net_;
};

}  // namespace eqp::flows
