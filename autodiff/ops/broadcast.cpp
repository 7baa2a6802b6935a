#include <algorithm>
#include <array>
#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

constexpr Op kFull{
    .name = "full",
    .shape = [](std::span<const Var>, const Attr& attr) { return attr.shape; },
    .forward = [](In, Out out,
                  const Attr& attr) { std::ranges::fill(out.flat(), Real(attr.scalar[0])); },
};

// A small array stretched over a large one: extents of the large, strides of the small (0 where it
// is stretched), both padded to kMaxRank at the left.
struct Stretch {
  std::array<std::size_t, Shape::kMaxRank> extent{1, 1, 1, 1}, stride{};
};

Stretch stretch(const Shape& small, const Shape& large) {
  Stretch s;
  std::size_t step = 1;
  for (std::size_t k = 0; k < large.rank(); ++k) {
    const std::size_t axis = Shape::kMaxRank - 1 - k;
    s.extent[axis] = large[large.rank() - 1 - k];
    if (k < small.rank()) {
      const std::size_t n = small[small.rank() - 1 - k];
      s.stride[axis] = n == 1 ? 0 : step;
      step *= n;
    }
  }
  return s;
}

// Calls f(offset in small, offset in large) for every innermost line.
template <class F>
void for_each_line(const Stretch& s, F f) {
  std::size_t large = 0;
  for (std::size_t i = 0; i < s.extent[0]; ++i) {
    for (std::size_t j = 0; j < s.extent[1]; ++j) {
      for (std::size_t k = 0; k < s.extent[2]; ++k) {
        f(i * s.stride[0] + j * s.stride[1] + k * s.stride[2], large);
        large += s.extent[3];
      }
    }
  }
}

Shape stretched(const Shape& from, const Shape& to) {
  if (broadcast_shape("broadcast_to", from, to) != to) {
    throw std::invalid_argument("broadcast_to: " + str(from) + " does not stretch to " + str(to));
  }
  return to;
}

constexpr Op kBroadcast{
    .name = "broadcast_to",
    .shape = [](std::span<const Var> in,
                const Attr& attr) { return stretched(in[0].shape(), attr.shape); },
    .forward =
        [](In in, Out out, const Attr&) {
          const Stretch s = stretch(in[0].shape, out.shape);
          const std::size_t n = s.extent[3];
          for_each_line(s, [&](std::size_t from, std::size_t to) {
            if (s.stride[3] == 0) {
              std::fill_n(out.data + to, n, in[0].data[from]);
            } else {
              std::copy_n(in[0].data + from, n, out.data + to);
            }
          });
        },
    .vjp = [](const Vjp& c) -> Vars { return {sum_to(c.g, c.in[0].shape())}; },
};

// The extents of a shape with ones in front.
std::array<std::size_t, Shape::kMaxRank> padded(const Shape& shape) {
  std::array<std::size_t, Shape::kMaxRank> extent{1, 1, 1, 1};
  std::ranges::copy(shape.dims(), extent.end() - std::ptrdiff_t(shape.rank()));
  return extent;
}

constexpr Op kSumTo{
    .name = "sum_to",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          if (broadcast_shape("sum_to", in[0].shape(), attr.shape) != in[0].shape()) {
            throw std::invalid_argument("sum_to: " + str(in[0].shape()) + " is no stretched " +
                                        str(attr.shape));
          }
          return attr.shape;
        },
    .forward =
        [](In in, Out out, const Attr&) {
          std::ranges::fill(out.flat(), Real(0));
          const Stretch s = stretch(out.shape, in[0].shape);
          const std::size_t n = s.extent[3];
          for_each_line(s, [&](std::size_t to, std::size_t from) {
            const std::span<const Real> line(in[0].data + from, n);
            if (s.stride[3] == 0) {
              out.data[to] += total(line);
            } else {
              const std::span<Real> target(out.data + to, n);
              map(
                  target, [](Batch a, Batch b) { return a + b; }, target.data(), line.data());
            }
          });
        },
    .vjp = [](const Vjp& c) -> Vars { return {broadcast_to(c.g, c.in[0].shape())}; },
    .simplify = [](const Rewriting& r) -> Var {
      const Shape &large = r.in[0].shape(), &small = r.node.shape;
      if (large.size() == 0) return {};
      const double count = double(large.size()) / double(small.size());
      if (const auto v = as_full(r.in[0])) return full(r.tape, small, *v * count);
      const Var source = as_broadcast(r.in[0]);
      if (!source || padded(source.shape()) != padded(small)) return {};
      return reshape(source, small) * count;
    },
};

}  // namespace

Var full(Tape& tape, const Shape& shape, double value) {
  return tape.record(kFull, {}, {.scalar = {value}, .shape = shape});
}

std::optional<double> as_full(Var x) {
  const Node& node = x.tape->node(x.id);
  if (node.op != &kFull) return std::nullopt;
  return node.attr.scalar[0];
}

Var broadcast_to(Var x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (const auto v = as_full(x)) return full(*x.tape, stretched(x.shape(), shape), *v);
  return record(kBroadcast, {x}, {.shape = shape});
}

Var as_broadcast(Var x) {
  const Node& node = x.tape->node(x.id);
  return node.op == &kBroadcast ? Var{x.tape, node.in[0]} : Var{};
}

Var sum_to(Var x, const Shape& shape) {
  return x.shape() == shape ? x : record(kSumTo, {x}, {.shape = shape});
}

}  // namespace eqp::ad
