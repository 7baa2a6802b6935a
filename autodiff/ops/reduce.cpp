#include <cmath>
#include <limits>
#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

// x with one axis of extent 1: the shape a reduction has before the axis is dropped.
Shape with_one(Shape shape, std::size_t axis) {
  shape[axis] = 1;
  return shape;
}

Shape without(const Shape& shape, const Axes& axes) {
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (std::ranges::find(axes, i) == axes.end()) rest.push_back(shape[i]);
  }
  return Shape(std::span<const std::size_t>(rest));
}

Shape reduced(const char* who, const Shape& shape, std::size_t axis) {
  check_axis(who, shape, axis);
  if (shape[axis] == 0) {
    throw std::invalid_argument(std::string(who) + ": axis " + std::to_string(axis) + " of " +
                                str(shape) + " is empty");
  }
  return with_one(shape, axis);
}

// Writes f(line) for every line along the axis; a line is given by its first element, count,
// stride.
template <class F>
void reduce_lines(In in, Out out, const Attr& attr, F f) {
  const Split s = split_at(in[0].shape, attr.index[0]);
  for (std::size_t o = 0; o < s.outer; ++o) {
    for (std::size_t i = 0; i < s.inner; ++i) {
      out.data[o * s.inner + i] = f(in[0].data + o * s.n * s.inner + i, s.n, s.inner);
    }
  }
}

// NaN wins over every number.
Real largest(const Real* x, std::size_t n, std::size_t stride) {
  Real top = x[0];
  for (std::size_t k = 1; k < n; ++k) {
    const Real v = x[k * stride];
    if (v > top || std::isnan(v)) top = v;
    if (std::isnan(top)) break;
  }
  return top;
}

constexpr Op kLogSumExp{
    .name = "logsumexp",
    .shape = [](std::span<const Var> in,
                const Attr& attr) { return reduced("logsumexp", in[0].shape(), attr.index[0]); },
    .forward =
        [](In in, Out out, const Attr& attr) {
          reduce_lines(in, out, attr, [](const Real* x, std::size_t n, std::size_t stride) {
            const Real top = largest(x, n, stride);
            if (!std::isfinite(top)) return top;
            Real sum = 0;
            for (std::size_t k = 0; k < n; ++k) sum += std::exp(x[k * stride] - top);
            return top + std::log(sum);
          });
        },
    .vjp = [](const Vjp& c) -> Vars {
      // The weights exp(x - out) are NaN where a whole line is -inf: there is no derivative there.
      const Shape& shape = c.in[0].shape();
      return {broadcast_to(c.g, shape) * exp(c.in[0] - broadcast_to(c.out, shape))};
    },
};

constexpr Op kMax{
    .name = "max",
    .shape = [](std::span<const Var> in,
                const Attr& attr) { return reduced("max", in[0].shape(), attr.index[0]); },
    .forward = [](In in, Out out, const Attr& attr) { reduce_lines(in, out, attr, largest); },
    .vjp = [](const Vjp& c) -> Vars {
      const Shape& shape = c.in[0].shape();
      const Var top = equal(c.in[0], broadcast_to(c.out, shape));
      return {top * broadcast_to(c.g / sum_to(top, c.g.shape()), shape)};
    },
};

// index[1]: 0 sums from the front, 1 from the back; each is the other's derivative.
constexpr Op kCumSum{
    .name = "cumsum",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          check_axis("cumsum", in[0].shape(), attr.index[0]);
          return in[0].shape();
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const Split s = split_at(in[0].shape, attr.index[0]);
          const bool backward = attr.index[1] == 1;
          for (std::size_t o = 0; o < s.outer; ++o) {
            for (std::size_t i = 0; i < s.inner; ++i) {
              Real running = 0;
              for (std::size_t k = 0; k < s.n; ++k) {
                const std::size_t at = backward ? s.n - 1 - k : k;
                const std::size_t p = (o * s.n + at) * s.inner + i;
                running += in[0].data[p];
                out.data[p] = running;
              }
            }
          }
        },
    .vjp = [](const Vjp& c) -> Vars {
      const auto [axis, backward, u, v] = c.attr.index;
      return {record(kCumSum, {c.g}, {.index = {axis, 1 - backward}})};
    },
    .in_place = true,
};

Var reduce_each(const Op& op, Var x, const Axes& axes) {
  Var y = x;
  for (std::size_t axis : axes) y = record(op, {y}, {.index = {axis}});
  return reshape(y, without(x.shape(), axes));
}

}  // namespace

Var sum(Var x, const Axes& axes) {
  Shape kept = x.shape();
  for (std::size_t axis : axes) {
    check_axis("sum", x.shape(), axis);
    kept[axis] = 1;
  }
  return reshape(sum_to(x, kept), without(x.shape(), axes));
}

Var sum(Var x) { return sum_to(x, Shape{}); }

Var mean(Var x) { return sum(x) * (1.0 / double(x.shape().size())); }

Var mean(Var x, const Axes& axes) {
  const Var total = sum(x, axes);
  return total * (double(total.shape().size()) / double(x.shape().size()));
}

Var logsumexp(Var x, const Axes& axes) { return reduce_each(kLogSumExp, x, axes); }
Var max(Var x, const Axes& axes) { return reduce_each(kMax, x, axes); }
Var cumsum(Var x, std::size_t axis) { return record(kCumSum, {x}, {.index = {axis, 0}}); }

}  // namespace eqp::ad
