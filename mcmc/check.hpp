#pragma once

#include <optional>

#include "mcmc/check/calibration.hpp"
#include "mcmc/check/gradient.hpp"
#include "mcmc/check/joint.hpp"
#include "mcmc/check/reversibility.hpp"
#include "mcmc/check/stationarity.hpp"
#include "mcmc/check/weights.hpp"
#include "mcmc/proposal.hpp"

// Is a kernel right? One call with a kernel and a target, answered in plain words:
//
//   const auto make = [](const Energy& u, const Proposal& q) {
//     return Mala(u, q.dim, {.step_size = 0.4});
//   };
//   std::cout << str(check_kernel(make, banana()));
//
// Symmetric targets hide sign errors; use others.
namespace eqp::mcmc {

/// Which checks run, and how: std::nullopt leaves one out, as reversibility must be for kernels
/// that run through a cycle. Keys and false-alarm probabilities are set from those of the whole.
struct KernelChecks {
  std::optional<StationarityOptions> stationarity = StationarityOptions{};
  std::optional<ReversibilityOptions> reversibility = ReversibilityOptions{};
  std::optional<JointOptions> joint = JointOptions{};
  std::optional<CalibrationOptions> calibration = CalibrationOptions{};
  double false_alarm = 1e-3;  // of a correct kernel's whole verdict
  ad::Key key;
};

/// Independent Gaussians that cover a target: its means and 1.5 times its standard deviations.
Proposal covering(const Target& target);

/// "stationarity" and "reversibility" on the target, "joint distribution" and "calibration" on the
/// model, for which `make` makes the same kernel again. Throws std::invalid_argument for a target
/// or a model that cannot be drawn from, and what `make` throws.
template <KernelMaker Make>
Verdict check_kernel(const Make& make, const Target& target, KernelChecks checks = {},
                     const Model& model = hinge_regression()) {
  const std::size_t count = std::size_t(checks.stationarity.has_value()) +
                            checks.reversibility.has_value() + checks.joint.has_value() +
                            checks.calibration.has_value();
  Verdict verdict;
  const auto run = [&](const std::string& name, auto& options, std::uint32_t stream,
                       const auto& check) {
    if (!options) {
      verdict.checks.push_back(not_applicable(name, "Left out."));
      return;
    }
    options->false_alarm = checks.false_alarm / double(count);
    options->key = checks.key.fork(stream);
    verdict.checks.push_back(check(*options));
  };
  const auto kernel = make(target.energy, covering(target));
  run("stationarity", checks.stationarity, 0,
      [&](const auto& o) { return check_stationarity(kernel, target, o); });
  run("reversibility", checks.reversibility, 1,
      [&](const auto& o) { return check_reversibility(kernel, target, o); });
  run("joint distribution", checks.joint, 2,
      [&](const auto& o) { return check_joint(make, model, o); });
  run("calibration", checks.calibration, 3,
      [&](const auto& o) { return check_calibration(make, model, o); });
  return verdict;
}

}  // namespace eqp::mcmc
