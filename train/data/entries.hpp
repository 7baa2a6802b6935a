#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include "autodiff/tensor.hpp"

namespace eqp::train {

/// Throws std::invalid_argument "<who>: row 2, column 1 (from 0) is nan, expected <what>" for the
/// first entry of x (n, d) that is not good. `good` has no branches, so that the check is quick.
template <class F>
void require_entries(const std::string& who, ad::ConstView x, const std::string& what, F good) {
  bool all = true;
  for (const Real v : x.flat()) all &= good(v);
  if (all) return;
  const auto at = std::ranges::find_if_not(x.flat(), good);
  const auto i = std::size_t(at - x.flat().begin());
  throw std::invalid_argument(who + ": row " + std::to_string(i / x.cols()) + ", column " +
                              std::to_string(i % x.cols()) + " (from 0) is " + std::to_string(*at) +
                              ", expected " + what);
}

}  // namespace eqp::train
