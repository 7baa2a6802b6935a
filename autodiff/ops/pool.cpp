#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

// What conv2d would refuse in its own name.
void check(const Shape& s, const AvgPool2dOptions& o, const Pair& stride) {
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("avg_pool2d: " + what);
  };
  const auto some = [](const Pair& p) { return p.height > 0 && p.width > 0; };
  const Pair &k = o.kernel, &p = o.padding;
  if (s.rank() != 4 || s[2] * s[3] == 0) fail(str(s) + "; need (n, c, h, w)");
  if (!some(k) || !some(stride)) {
    fail("kernel " + str(k) + ", stride " + str(stride) + "; need at least 1 of each");
  }
  if (2 * p.height > k.height || 2 * p.width > k.width) {
    fail("padding " + str(p) + "; need at most half of kernel " + str(k));
  }
  if (s[2] + 2 * p.height < k.height || s[3] + 2 * p.width < k.width) {
    fail("x " + str(s) + " with padding " + str(p) + " is smaller than kernel " + str(k));
  }
}

}  // namespace

Var avg_pool2d(Var x, const AvgPool2dOptions& o) {
  const Shape& s = x.shape();
  const Pair stride = o.stride.value_or(o.kernel);
  check(s, o, stride);
  // Each channel is an image of its own, convolved with a constant.
  const Shape kernel{1, 1, o.kernel.height, o.kernel.width};
  const Var mean = full(*x.tape, kernel, 1 / double(kernel.size()));
  const Var y = conv2d(reshape(x, {s[0] * s[1], 1, s[2], s[3]}), mean,
                       {.stride = stride, .padding = o.padding});
  return reshape(y, {s[0], s[1], y.shape()[2], y.shape()[3]});
}

}  // namespace eqp::ad
