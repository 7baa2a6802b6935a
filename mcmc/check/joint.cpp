#include "mcmc/check/joint.hpp"

#include <stdexcept>
#include <vector>

#include "mcmc/metropolis.hpp"

namespace eqp::mcmc {
namespace {

/// log p(theta, y) of points (theta, y), up to a constant.
Features::LogProb log_joint(const Model& model) {
  const std::size_t dim = model.dim, all = model.dim + model.data_dim;
  const Energy joint = [energy = model.energy, dim, all](ad::Var x) {
    return energy(slice(x, 1, 0, dim), slice(x, 1, dim, all));
  };
  // Shared, for the function is copied; features are scored by one thread.
  const auto at = std::make_shared<ad::Workspace>(value(joint, all).workspace(1));
  return [at](std::span<const double> x) {
    std::ranges::transform(x, at->in(0).data, [](double v) { return Real(v); });
    at->run();
    return -double(at->out(0)[0]);
  };
}

}  // namespace

ad::Tensor joint_draws(const Model& model, std::size_t n, ad::Key key) {
  ad::Tensor theta({n, model.dim}), joint({n, model.dim + model.data_dim});
  model.prior(theta, key.fork(0), 0);
  std::vector<double> parameters(model.dim), y(model.data_dim);
  for (std::size_t i = 0; i < n; ++i) {
    std::ranges::copy(theta.row(i), parameters.begin());
    ad::Draws draws(key.fork(1), std::uint32_t(i));
    model.data(draws, parameters, y);
    std::ranges::copy(theta.row(i), joint.row(i).begin());
    std::ranges::transform(y, joint.row(i).begin() + std::ptrdiff_t(model.dim),
                           [](double v) { return Real(v); });
  }
  return joint;
}

void require_sensible(const JointOptions& options) {
  if (options.replicates >= 100 && options.tasks > 0 && options.sweeps > 0 && options.steps > 0) {
    return;
  }
  throw std::invalid_argument(
      "joint distribution: " + std::to_string(options.replicates) + " replicates in " +
      std::to_string(options.tasks) + " tasks, " + std::to_string(options.sweeps) + " sweeps of " +
      std::to_string(options.steps) + " steps; need at least 100 replicates, and 1 of the rest");
}

Check judge_joint(const Model& model, const JointDraws& draws, const JointOptions& options) {
  std::vector<std::string> names;
  for (std::size_t j = 1; j <= model.dim; ++j) names.push_back("theta_" + std::to_string(j));
  for (std::size_t j = 1; j <= model.data_dim; ++j) names.push_back("y_" + std::to_string(j));
  const Features features(joint_draws(model, options.pilot, options.key.fork(3)), names,
                          log_joint(model), {.key = options.key.fork(4)});
  Tests tests;
  compare_laws(tests, features, draws.before, draws.after,
               joint_draws(model, draws.before.rows(), options.key.fork(5)));
  Check check = tests.check("joint distribution", options.false_alarm);
  const std::string what =
      std::to_string(options.sweeps) + " sweeps over parameters and data of " + model.name + ", ";
  check.sentence =
      check.outcome == Outcome::failed
          ? "Geweke's test fails: after " + what + tests.worst() + " is off by " +
                shown(check.statistic) + " standard errors."
          : "After " + what + "none of " + std::to_string(tests.size()) + " statistics changed.";
  return check;
}

}  // namespace eqp::mcmc
