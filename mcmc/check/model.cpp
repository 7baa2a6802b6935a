#include "mcmc/check/model.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "mcmc/proposal.hpp"

namespace eqp::mcmc {

Model hinge_regression() {
  constexpr double slope = 1.5, noise = 2, stretch = 0.4;
  constexpr double mean_a = 0.5, mean_b = -0.3, sd_b = 0.7;
  static constexpr double at[] = {-1, 0, 1, 2};
  constexpr std::size_t count = std::size(at);
  Model m{.name = "hinge regression", .dim = 2, .data_dim = count};
  m.prior = sample_rows("hinge_regression", 2, [](ad::Draws& draws, std::span<double> theta) {
    theta[0] = mean_a + draws.normal();
    theta[1] = mean_b + sd_b * draws.normal();
  });
  m.data = [](ad::Draws& draws, std::span<const double> theta, std::span<double> y) {
    const double level = std::log1p(std::exp(slope * theta[0]));
    const double sd = noise * std::exp(stretch * std::tanh(theta[1]));
    for (std::size_t i = 0; i < count; ++i) {
      y[i] = level + at[i] * theta[1] + sd * draws.normal();
    }
  };
  m.energy = [](ad::Var theta, ad::Var y) {
    const ad::Var a = slice(theta, 1, 0, 1), b = slice(theta, 1, 1, 2);
    ad::Tensor positions({1, count});
    std::ranges::copy(at, positions.flat().begin());
    const ad::Var fit = softplus(slope * a) + b * theta.tape->constant(positions);
    const ad::Var log_sd = stretch * tanh(b);  // without log(noise), a constant
    const ad::Var prior = 0.5 * square(a - mean_a) + square(b - mean_b) * (0.5 / (sd_b * sd_b));
    const ad::Var misfit = square((y - fit) * exp(-log_sd)) * (0.5 / (noise * noise));
    return sum(prior + double(count) * log_sd, std::size_t(1)) + sum(misfit, std::size_t(1));
  };
  m.proposal = gaussian_proposal({mean_a, mean_b}, {1, sd_b});
  return m;
}

void require_complete(const Model& model) {
  const auto need = [&](bool there, const char* what) {
    if (!there) throw std::invalid_argument("Model '" + model.name + "': no " + what);
  };
  need(model.dim > 0, "parameters (dim 0)");
  need(model.data_dim > 0, "data (data_dim 0)");
  need(bool(model.prior), "prior");
  need(bool(model.data), "data to draw (data)");
  need(bool(model.energy), "energy");
}

ConditionedModel::ConditionedModel(const Model& model)
    : model_(model),
      params_(std::make_unique<ad::Params>()),
      theta_(model.dim),
      y_(model.data_dim) {
  require_complete(model);
  const ad::Param y = params_->add("y", {1, model.data_dim},
                                   [](std::span<Real> v) { std::ranges::fill(v, Real(0)); });
  energy_ = [energy = model.energy, y](ad::Var theta) { return energy(theta, y.on(*theta.tape)); };
}

void ConditionedModel::draw_data(std::span<const Real> theta, ad::Key key, std::uint32_t chain,
                                 std::uint32_t step) {
  ad::Draws draws(key, chain, step);
  std::ranges::copy(theta, theta_.begin());
  model_.data(draws, theta_, y_);
  std::ranges::transform(y_, params_->mutate().begin(), [](double v) { return Real(v); });
}

}  // namespace eqp::mcmc
