#pragma once

#include <span>
#include <string>

#include "experiments/common/report.hpp"
#include "train/metrics/quadrature.hpp"

// What a training has come to, in words.
namespace eqp {

/// A mode's weight over the last 4 of 15 epochs of a training (of at least one value): of 75 the
/// last 20, as in figure 1 of Grenioux et al. (2023).
struct LateWeight {
  double mean = 0, low = 0, high = 0;
  std::size_t epochs = 0;
};
LateWeight late_weight(std::span<const double> curve);

struct Finding {
  Level level;
  std::string text;
};

/// "pcd on two_moons lost 28 % of the upper moon: ...". Bad if the weight ranged over more than 0.1
/// or is off by a tenth or more; good if it is off by less than 3 % plus 0.005.
Finding judge_weight(const std::string& who, const std::string& mode, double exact,
                     const LateWeight& late);

/// "pcd: the share of a class is off by up to 7 percentage points". Good up to `allowed` points,
/// bad beyond twice as many, and bad with an R-hat of 1.1 or more: the shares are then those that
/// the chains began with.
Finding judge_shares(const std::string& who, const std::string& share, double points_off,
                     double allowed, double r_hat);

/// Why numbers by this quadrature may be wrong: mass at the edge of its box, as that of an energy
/// that cannot be normalised, or a log Z that has not converged to 0.001. Empty if neither.
std::string doubt(const train::Quadrature& quadrature);

}  // namespace eqp
