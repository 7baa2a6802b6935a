#pragma once

#include <algorithm>
#include <memory>

#include "autodiff/params.hpp"
#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

/// A Bayesian model p(theta) p(y | theta) of which both factors can be drawn: what Geweke's test
/// and simulation-based calibration run on.
struct Model {
  std::string name;
  std::size_t dim = 0, data_dim = 0;  // of theta and of y
  Sampler prior;                      // draws of theta
  /// Writes one draw of y (data_dim) given theta (dim).
  std::function<void(ad::Draws& draws, std::span<const double> theta, std::span<double> y)> data;
  /// -log p(theta) - log p(y | theta), up to a constant.  theta (n, dim), y (1, data_dim), which
  /// broadcasts -> (n). It records the same ops every time.
  std::function<ad::Var(ad::Var theta, ad::Var y)> energy;
  /// What independence samplers propose from: it covers the posterior of any y, as the prior does.
  Proposal proposal;
};

/// Four observations y_i ~ N(softplus(1.5 a) + z_i b, s^2) at z = -1, 0, 1, 2, with s = 2 exp(0.4
/// tanh b), a ~ N(0.5, 1) and b ~ N(-0.3, 0.7^2); theta = (a, b). The posterior is skewed, its two
/// coordinates depend on each other, and its curvature stays below 10 or so, so that step sizes
/// suit any data. The noise depends on theta for a reason: with y - f(theta) of one law,
/// independence samplers with their ratio turned around pass Geweke's test, by symmetry.
Model hinge_regression();

/// Throws std::invalid_argument naming what a model lacks.
void require_complete(const Model& model);

/// The posterior of a model as an energy whose data can change while kernels made from it live: y
/// is a parameter of the energy's programs, so that nothing is compiled anew. Belongs to one
/// thread.
class ConditionedModel {
 public:
  explicit ConditionedModel(const Model& model);
  /// -log p(theta, y) of the data of the last set(), as an energy of theta.
  const Energy& energy() const { return energy_; }
  /// Draws data given theta (dim) at this address and conditions on them; kernels must refresh.
  void draw_data(std::span<const Real> theta, ad::Key key, std::uint32_t chain, std::uint32_t step);
  /// Conditions on these data y (data_dim); kernels must refresh.
  void set(std::span<const Real> y) { std::ranges::copy(y, params_->mutate().begin()); }
  /// The data y (data_dim).
  std::span<const Real> data() const { return params_->values(); }

 private:
  const Model& model_;
  std::unique_ptr<ad::Params> params_;
  Energy energy_;
  std::vector<double> theta_, y_;
};

}  // namespace eqp::mcmc
