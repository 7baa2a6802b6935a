#include "autodiff/non_finite.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace eqp::ad {
namespace {

std::size_t first_bad(std::span<const Real> x) {
  const auto bad = [](Real v) { return !std::isfinite(v); };
  return std::size_t(std::ranges::find_if(x, bad) - x.begin());
}

// Without the sign some machines give a NaN.
std::string number(Real v) {
  if (std::isnan(v)) return "nan";
  std::ostringstream text;
  text << v;
  return text.str();
}

std::string range_of(ConstView v) {
  Real low = INFINITY, high = -INFINITY;
  std::size_t bad = 0;
  for (Real x : v.flat()) {
    if (!std::isfinite(x)) {
      ++bad;
    } else {
      low = std::min(low, x);
      high = std::max(high, x);
    }
  }
  std::ostringstream text;
  text << str(v.shape);
  if (low <= high) text << " in [" << low << ", " << high << "]";
  if (bad) text << (low <= high ? " and " : " with ") << bad << " not finite";
  return text.str();
}

std::size_t row_of(ConstView v, std::size_t element) {
  return element / std::max<std::size_t>(v.cols(), 1);
}

}  // namespace

void check_finite(const Plan& plan, const Step& step, ConstView out,
                  std::span<const ConstView> in) {
  const std::size_t at = first_bad(out.flat());
  if (at == out.size()) return;
  const std::size_t row = row_of(out, at);
  std::ostringstream text;
  text << step.op->name << (step.scope.empty() ? "" : " in " + step.scope) << ": "
       << number(out[at]) << " in row " << row << " of " << str(out.shape);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::string name = parameter_name(plan, plan.slots[step.in[i]]);
    text << (i ? "; " : ", from ") << (name.empty() ? "input" : name) << " " << range_of(in[i]);
  }
  throw NonFinite(text.str(), row);
}

void check_finite(const std::string& leaf, ConstView value) {
  const std::size_t at = first_bad(value.flat());
  if (at == value.size()) return;
  std::ostringstream text;
  text << leaf << ": " << number(value[at]) << " in row " << row_of(value, at) << " of "
       << str(value.shape);
  throw NonFinite(text.str(), row_of(value, at));
}

}  // namespace eqp::ad
