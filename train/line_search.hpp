#pragma once

#include <cstdint>
#include <functional>

namespace eqp::train {

/// A point on a line through parameter space: value and slope `step` directions from its start.
struct LinePoint {
  double step = 0, value = 0, slope = 0;
};

struct WolfeOptions {
  double decrease = 1e-4;     // c1: the share of the first slope that the value must go down by
  double curvature = 0.9;     // c2: the share of the first slope that may be left
  double rounding = 0;        // by which a value may be wrong: as much is allowed above c1's line
  std::uint32_t points = 25;  // looked at, at most
};

/// A point that meets the strong Wolfe conditions (Nocedal & Wright 2006, equation 3.7): their
/// algorithms 3.5, longer steps until some interval must hold one, and 3.6, ever shorter intervals.
/// Steps are minima of cubics through values and slopes (3.59), but a longer step goes on by at
/// least a hundredth of the last progress and is at most 10 times as long, and one in an interval
/// keeps a tenth of it away from its ends. A point whose value or slope is not finite is too far,
/// and the next one ten times closer.
///
/// `start` is the point of step 0, with a negative slope. When the points are used up: the lowest
/// one that went down by enough, `start` if none has.
LinePoint strong_wolfe(const std::function<LinePoint(double step)>& line, const LinePoint& start,
                       double first_step, const WolfeOptions& options);

}  // namespace eqp::train
