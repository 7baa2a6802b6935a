#pragma once

#include "mcmc/check/verdict.hpp"
#include "mcmc/targets/target.hpp"

namespace eqp::mcmc {

struct GradientOptions {
  double tolerance = 5;    // in error estimates of the differences
  std::size_t draws = 24;  // of a target: exact draws
  std::size_t large = 8;   // of a target: further draws, taken `stretch` times as far out
  double stretch = 10;
  ad::Key key;
};

/// Is the recorded gradient that of the energy? At every point and coordinate against central
/// differences of the energy, of steps that go down by factors of 4; the step whose neighbours
/// agree best is taken, and how well they agree, together with rounding, is the error estimate.
/// The statistic is the largest deviation in error estimates; the sentence names where it is, and
/// how many digits the differences could tell. Points (n, d) where the energy or a difference is
/// not finite are passed over, but a gradient that is not finite where they are is a failure.
Check check_gradient(const Energy& energy, ad::ConstView points,
                     const GradientOptions& options = {});

/// Do rows of a batch not see each other? U and grad U of each point must be the same, up to
/// rounding, whatever the other rows hold. points (n, d), n >= 2.
Check check_rows(const Energy& energy, ad::ConstView points);

/// check_gradient and check_rows at exact draws of a target and far outside, and whether the
/// energy is minus the target's log_prob: "gradient", "rows", "density".
Verdict check_target(const Target& target, const GradientOptions& options = {});

}  // namespace eqp::mcmc
