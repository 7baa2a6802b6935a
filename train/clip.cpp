#include "train/clip.hpp"

#include <algorithm>
#include <cmath>

#include "autodiff/sum_of.hpp"

namespace eqp::train {

double clip_norm(std::span<Real> gradient, double limit) {
  const double norm = std::sqrt(ad::sum_of(
      gradient.size(), [=](std::size_t i) { return double(gradient[i]) * double(gradient[i]); }));
  if (limit > 0 && norm > limit) {
    const Real scale = Real(limit / norm);
    for (Real& g : gradient) g *= scale;
  }
  return norm;
}

void clip_value(std::span<Real> gradient, double limit) {
  if (!(limit > 0)) return;
  const Real largest = Real(limit);
  for (Real& g : gradient) g = std::clamp(g, -largest, largest);
}

}  // namespace eqp::train
