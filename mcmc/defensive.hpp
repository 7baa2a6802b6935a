#pragma once

#include <vector>

#include "mcmc/energy.hpp"

namespace eqp::mcmc {

struct DefensiveOptions {
  double alpha = 0.1;  // of the broad component
};

/// The defensive mixture (1 - alpha) q + alpha broad (Hesterberg 1995): wherever q, a flow say, has
/// left out a part of the target, importance weights are at most 1 / alpha times those of `broad`,
/// so that independence samplers do not stick there. Where q is good, it costs the share alpha of
/// the draws. The density of a draw needs q's too: of a flow, one pass in either direction.
///
/// Throws std::invalid_argument unless dims agree and 0 < alpha < 1.
Proposal defensive_mixture(const Proposal& q, const Proposal& broad, DefensiveOptions options = {});

/// Student's t with this many degrees of freedom in all coordinates together: mean + sd z sqrt(k /
/// chi^2_k), z ~ N(0, I), in (dim) dimensions. A broad component whose weights are bounded for any
/// target with Gaussian tails. Throws std::invalid_argument unless means and scales are equally
/// many, at least 1, and finite, scales are positive, and there is a degree of freedom.
Proposal student_proposal(const std::vector<double>& mean, const std::vector<double>& sd,
                          std::size_t degrees = 3);

}  // namespace eqp::mcmc
