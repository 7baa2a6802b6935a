#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {

Var avg_pool2d(Var x, const AvgPool2dOptions& o) {
  const Shape& s = x.shape();
  if (s.rank() != 4) throw std::invalid_argument("avg_pool2d: " + str(s) + "; need (n, c, h, w)");
  if (2 * o.padding.height > o.kernel.height || 2 * o.padding.width > o.kernel.width) {
    throw std::invalid_argument("avg_pool2d: padding " + str(o.padding) +
                                "; need at most half of kernel " + str(o.kernel));
  }
  // Each channel is an image of its own, convolved with a constant.
  const Shape kernel{1, 1, o.kernel.height, o.kernel.width};
  const Var mean = full(*x.tape, kernel, 1 / double(kernel.size()));
  const Var y = conv2d(reshape(x, {s[0] * s[1], 1, s[2], s[3]}), mean,
                       {.stride = o.stride.value_or(o.kernel), .padding = o.padding});
  return reshape(y, {s[0], s[1], y.shape()[2], y.shape()[3]});
}

}  // namespace eqp::ad
