#include "train/line_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace eqp::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The step in [low, high] nearest to the minimum of the cubic through both points; the middle if
/// it has none.
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::copysign(std::sqrt(square), b.step - a.step);
  const double step =
      b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  return std::isnan(step) ? (low + high) / 2 : std::clamp(step, low, high);
}

// Far enough to be progress, near enough to be foreseen from the last two points.
double beyond(const LinePoint& before, const LinePoint& last) {
  return cubic_minimum(before, last, last.step + 0.01 * (last.step - before.step), 10 * last.step);
}

double between(const LinePoint& low, const LinePoint& high) {
  const double tenth = (high.step - low.step) / 10;
  if (high.value == kInfinity) return low.step + tenth;
  const auto [left, right] = std::minmax({low.step + tenth, high.step - tenth});
  return cubic_minimum(low, high, left, right);
}

}  // namespace

LinePoint strong_wolfe(const std::function<LinePoint(double step)>& line, const LinePoint& start,
                       double first_step, const WolfeOptions& o) {
  // A good point is between `low`, the lowest so far, and `high`, which is either side of it.
  LinePoint low = start, high{.step = kInfinity};
  double step = first_step;
  for (std::uint32_t k = 0; k < o.points; ++k) {
    LinePoint at = line(step);
    if (!std::isfinite(at.value) || !std::isfinite(at.slope)) at.value = kInfinity;
    const bool enough = at.value <= start.value + o.decrease * at.step * start.slope + o.rounding;
    if (enough && std::abs(at.slope) <= -o.curvature * start.slope) return at;
    const LinePoint before = low;
    if (!enough || at.value >= low.value) {
      high = at;
    } else {
      if (at.slope * (high.step - low.step) >= 0) high = low;
      low = at;
    }
    step = high.step == kInfinity ? beyond(before, low) : between(low, high);
  }
  return low;
}

}  // namespace eqp::train
