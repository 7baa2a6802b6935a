#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "autodiff/non_finite.hpp"
#include "autodiff/sum_of.hpp"
#include "mcmc/energy.hpp"
#include "mcmc/kernel.hpp"

// What kernels share.
namespace eqp::mcmc {

/// U (n) of x (n, d), compiled per number of chains.
ad::Batched value(const Energy& energy, std::size_t dim);

/// U (n) and grad U (n, d) of x (n, d), compiled per number of chains.
ad::Batched value_and_grad(const Energy& energy, std::size_t dim);

/// grad U (n, d) of x (n, d), compiled per number of chains.
ad::Batched grad(const Energy& energy, std::size_t dim);

/// Throws std::invalid_argument unless h > 0 and finite; returns it.
double checked_step_size(const char* kernel, double h);

/// A workspace for the chains x0. Throws std::invalid_argument unless x0 is (n, dim) with n >= 1.
ad::Workspace workspace_for(const char* kernel, const ad::Batched& program, std::size_t dim,
                            ad::ConstView x0);

/// Throws std::invalid_argument at the first chain with an output that is not finite; `names` says
/// what the outputs are. Row 0 is chain first_chain.
void check_start(const char* kernel, const ad::Workspace& at,
                 std::initializer_list<const char*> names, std::size_t first_chain);

/// Throws NonFinite unless all outputs of `at`, evaluated at the chains' positions, are finite.
void check_refreshed(const char* kernel, ad::Workspace& at);

/// Throws NonFinite about the first chain whose new position is not finite, a step after `at` was
/// evaluated at the old one.
[[noreturn]] void stop_at_position(const char* kernel, ad::Workspace& at, ad::ConstView position);

/// Tells an energy that is broken from proposals that are merely rejected. A NaN alone may be a
/// wall, or a trajectory that diverged; when all proposals of a block are NaN, chains stand still
/// for a reason that somebody should know.
class NanProposals {
 public:
  // A single bad step may be bad luck; few chains have it more often.
  static constexpr std::size_t kSteps = 10, kProposals = 32;

  /// Call after every step of `proposals`, of which `nan` were NaN; whether the NaN have gone too
  /// far, all of them for many steps in a row.
  bool too_many(std::size_t proposals, std::uint64_t nan);
  /// Throws NonFinite about them, explained by `at`, in which the first chain's first proposal was
  /// evaluated last; `advice` says what to try.
  [[noreturn]] void stop(const char* kernel, ad::Workspace& at, const char* advice) const;
  /// Stops once there are too many.
  void check(const char* kernel, ad::Workspace& at, std::size_t proposals, std::uint64_t nan,
             const char* advice) {
    if (too_many(proposals, nan)) stop(kernel, at, advice);
  }
  void archive(ad::Archive& a) {
    a("steps", steps_);
    a("in_a_row", in_a_row_);
  }

 private:
  std::size_t steps_ = 0, in_a_row_ = 0;
};

/// What to try when proposals are NaN: for kernels with a step size, and for those that draw.
inline constexpr const char* kStepSizeAdvice =
    "lower the step size, or give the energy +infinity where it has no value";
inline constexpr const char* kProposalAdvice =
    "check that the proposal draws where the energy has a value";

/// Runs a workspace whose one input is a position.
inline void evaluate(ad::Workspace& at, ad::ConstView x) {
  std::ranges::copy(x.flat(), at.in(0).data);
  at.run();
}

/// Evaluates what kernels with a gradient keep about their positions, one evaluation per chain, be
/// it finite or not.
template <class State>
void cache_energy_and_gradient(State& s) {
  evaluate(s.at, s.position);
  std::ranges::copy(s.at.out(0).flat(), s.energy.begin());
  std::ranges::copy(s.at.out(1).flat(), s.gradient.flat().begin());
  s.counts.gradients += s.energy.size();
}

/// An energy of NaN or -infinity, which no density has, counts as +infinity: no proposal is taken
/// there.
inline double proper_energy(double energy) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return energy > -infinity ? energy : infinity;
}

/// Counts a proposal of this energy.
inline void count_not_finite(double energy, Counts& counts) {
  counts.not_finite += !std::isfinite(energy);
  counts.nan += std::isnan(energy);
}

/// min(1, exp(U(x) - U(y) + correction)), the probability to accept y, in which x is the current
/// state and the correction is log q(x | y) - log q(y | x); 0 where that is NaN.
inline double acceptance(double current, double proposed, double correction) {
  const double log_ratio = proper_energy(current) - proper_energy(proposed) + correction;
  return std::isnan(log_ratio) ? 0 : std::min(1.0, std::exp(log_ratio));
}

/// Accepts chain i's proposal with that probability. The uniform sits at the chain's address,
/// whatever the others do.
inline bool metropolis(double current, double proposed, double correction, const ad::BlockRng& rng,
                       std::size_t i, Counts& counts) {
  const double probability = acceptance(current, proposed, correction);
  counts.accepted += probability;
  counts.proposed += 1;
  // At a wall, where the energy is infinite, nobody asks for its gradient.
  count_not_finite(std::isinf(proposed) ? proposed : proposed - correction, counts);
  return rng.uniform(i) < probability;
}

}  // namespace eqp::mcmc
