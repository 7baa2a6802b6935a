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
  const std::span<const double> late = curve.last((4 * curve.size() + 14) / 15);
  const auto [low, high] = std::ranges::minmax(late);
  return {std::accumulate(late.begin(), late.end(), 0.0) / double(late.size()), low, high,
          late.size()};
}

Finding judge_weight(const std::string& who, const std::string& mode, double exact,
                     const LateWeight& late) {
  const double off = late.mean - exact;
  const std::string where = " over the last " + std::to_string(late.epochs) + " epochs, exact " +
                            shown_weight(exact) + ".";
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

Finding judge_shares(const std::string& who, const std::string& share, double points_off,
                     double allowed, double r_hat) {
  const bool mixed = r_hat < 1.1;
  return {points_off <= allowed && mixed       ? Level::good
          : points_off <= 2 * allowed && mixed ? Level::warn
                                               : Level::bad,
          who + ": the " + share + " is off by up to " + shown(points_off) + " percentage points" +
              (mixed ? "." : "; its chains have not mixed, R-hat " + shown(r_hat) + ".")};
}

std::string doubt(const train::Quadrature& quadrature) {
  if (quadrature.edge_mass > 1e-3) {
    return shown(100 * quadrature.edge_mass) +
           " % of its mass lie at the edge of the box of quadrature: what is beyond is not seen";
  }
  if (quadrature.change > 1e-3) {
    return "its log Z is known to " + shown(quadrature.change) + " only";
  }
  return "";
}

}  // namespace eqp
