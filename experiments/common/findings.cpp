#include "experiments/common/findings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace eqp {
namespace {

std::string shown_weight(double w) {
  char text[16];
  std::snprintf(text, sizeof text, "%.3f", w);
  return text;
}

}  // namespace

LateWeight late_weight(std::span<const double> curve) {
  const std::span<const double> late = curve.last((curve.size() + 3) / 4);
  const auto [low, high] = std::ranges::minmax(late);
  return {std::accumulate(late.begin(), late.end(), 0.0) / double(late.size()), low, high};
}

Finding judge_weight(const std::string& who, const std::string& mode, double exact,
                     const LateWeight& late) {
  const double off = late.mean - exact;
  const std::string where =
      " over the last quarter of the training, exact " + shown_weight(exact) + ".";
  if (late.high - late.low > 0.1) {
    return {Level::bad, who + " never settled on the weight of " + mode + ": it went between " +
                            shown_weight(late.low) + " and " + shown_weight(late.high) + where};
  }
  const std::string mean = shown_weight(late.mean) + where;
  if (std::abs(off) < 0.03 * exact + 0.005) {
    return {Level::good, who + " got the weight of " + mode + " right: " + mean};
  }
  const std::string share = std::to_string(std::lround(100 * std::abs(off) / exact)) + " %";
  return {std::abs(off) < 0.1 * exact ? Level::warn : Level::bad,
          who +
              (off < 0 ? " lost " + share + " of " + mode
                       : " gave " + mode + " " + share + " too much") +
              ": " + mean};
}

}  // namespace eqp
