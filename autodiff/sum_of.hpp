#pragma once

#include <cstddef>

namespace eqp::ad {

/// f(0) + ... + f(n - 1) in double, as eight sums side by side that the compiler keeps in
/// registers; the order depends on n only.
template <class F>
double sum_of(std::size_t n, F f) {
  constexpr std::size_t kLanes = 8;
  double lane[kLanes] = {};
  std::size_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) lane[l] += f(j + l);
  }
  for (; j < n; ++j) lane[0] += f(j);
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

}  // namespace eqp::ad
