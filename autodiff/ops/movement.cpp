#include <numeric>
#include <stdexcept>
#include <xtensor/xmanipulation.hpp>

#include "autodiff/ops/kernel.hpp"
#include "autodiff/ops/transpose.hpp"
#include "autodiff/xtensor.hpp"

namespace eqp::ad {
namespace {

constexpr Op kReshape{
    .name = "reshape",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          if (in[0].shape().size() != attr.shape.size()) {
            throw std::invalid_argument("reshape: " + str(in[0].shape()) + " to " +
                                        str(attr.shape) + ": numbers of elements differ");
          }
          return attr.shape;
        },
    .vjp = [](const Vjp& c) -> Vars { return {reshape(c.g, c.in[0].shape())}; },
    .view = whole,
};

constexpr Op kTranspose{
    .name = "transpose",
    .shape =
        [](std::span<const Var> in, const Attr&) {
          Shape s = in[0].shape();
          if (s.rank() < 2) {
            throw std::invalid_argument("transpose: " + str(s) + ": need at least 2 dimensions");
          }
          std::swap(s[s.rank() - 1], s[s.rank() - 2]);
          return s;
        },
    .forward =
        [](In in, Out out, const Attr&) {
          const Shape& s = in[0].shape;
          const std::size_t rows = s[s.rank() - 2], cols = s[s.rank() - 1];
          const std::size_t size = rows * cols;
          for (std::size_t first = 0; first < in[0].size(); first += size) {
            transpose_matrix({in[0].data + first, cols}, {out.data + first, rows}, rows, cols);
          }
        },
    .vjp = [](const Vjp& c) -> Vars { return {transpose(c.g)}; },
    // Twice is not at all; and the gradient of a weight that a layer keeps transposed.
    .simplify = [](const Rewriting& r) -> Var {
      if (const Var inner = as_transposed(r.in[0])) return inner;
      const auto p = as_product(r.in[0]);
      if (!p || !r.only_use(0) || p->transposed.a == p->transposed.b) return {};
      return matmul(p->b, p->a, {!p->transposed.b, !p->transposed.a});
    },
};

constexpr Op kPermute{
    .name = "permute",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const Shape& from = in[0].shape();
          std::vector<std::size_t> sorted = attr.table, identity(from.rank());
          std::ranges::sort(sorted);
          std::iota(identity.begin(), identity.end(), std::size_t(0));
          if (sorted != identity) {
            throw std::invalid_argument("permute: axes of " + str(from) +
                                        " must be a permutation of 0 ... " +
                                        std::to_string(from.rank() - 1));
          }
          Shape to = from;
          for (std::size_t i = 0; i < from.rank(); ++i) to[i] = from[attr.table[i]];
          return to;
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          auto target = xt_array(out);
          xt::noalias(target) = xt::transpose(xt_array(in[0]), attr.table);
        },
    .vjp = [](const Vjp& c) -> Vars {
      std::vector<std::size_t> inverse(c.attr.table.size());
      for (std::size_t i = 0; i < inverse.size(); ++i) inverse[c.attr.table[i]] = i;
      return {permute(c.g, inverse)};
    },
};

constexpr Op kConcat{
    .name = "concat",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const std::size_t axis = attr.index[0];
          Shape result = in[0].shape();
          check_axis("concat", result, axis);
          result[axis] = 0;
          for (Var v : in) {
            Shape rest = v.shape();
            if (rest.rank() != result.rank()) {
              throw std::invalid_argument("concat: " + str(in[0].shape()) + " and " +
                                          str(v.shape()) + " differ in rank");
            }
            const std::size_t n = rest[axis];
            rest[axis] = result[axis];
            if (rest != result) {
              throw std::invalid_argument("concat: " + str(in[0].shape()) + " and " +
                                          str(v.shape()) + " differ off axis " +
                                          std::to_string(axis));
            }
            result[axis] += n;
          }
          return result;
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const std::size_t axis = attr.index[0];
          const Split s = split_at(out.shape, axis);
          Real* to = out.data;
          for (std::size_t o = 0; o < s.outer; ++o) {
            for (const ConstView& part : in) {
              const std::size_t n = part.shape[axis] * s.inner;
              to = std::copy_n(part.data + o * n, n, to);
            }
          }
        },
    .vjp = [](const Vjp& c) -> Vars {
      const std::size_t axis = c.attr.index[0];
      Vars parts;
      std::size_t begin = 0;
      for (Var v : c.in) {
        const std::size_t end = begin + v.shape()[axis];
        parts.push_back(slice(c.g, axis, begin, end));
        begin = end;
      }
      return parts;
    },
    .joins = [](const Shape& out,
                const Attr& attr) { return split_at(out, attr.index[0]).outer == 1; },
};

constexpr Op kSlice{
    .name = "slice",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          const auto [axis, begin, end, unused] = attr.index;
          Shape s = in[0].shape();
          check_axis("slice", s, axis);
          if (begin > end || end > s[axis]) {
            throw std::invalid_argument("slice: [" + std::to_string(begin) + ", " +
                                        std::to_string(end) + ") of axis " + std::to_string(axis) +
                                        " of " + str(s));
          }
          s[axis] = end - begin;
          return s;
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const Split s = split_at(in[0].shape, attr.index[0]);
          const std::size_t n = (attr.index[2] - attr.index[1]) * s.inner;
          for (std::size_t o = 0; o < s.outer; ++o) {
            std::copy_n(in[0].data + (o * s.n + attr.index[1]) * s.inner, n, out.data + o * n);
          }
        },
    .vjp = [](const Vjp& c) -> Vars {
      const auto [axis, begin, end, unused] = c.attr.index;
      return {pad(c.g, axis, begin, c.in[0].shape()[axis] - end)};
    },
    .view = [](const Shape& in, const Attr& attr) -> std::optional<std::size_t> {
      const Split s = split_at(in, attr.index[0]);
      if (s.outer != 1) return std::nullopt;
      return attr.index[1] * s.inner;
    },
};

constexpr Op kPad{
    .name = "pad",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          Shape s = in[0].shape();
          check_axis("pad", s, attr.index[0]);
          s[attr.index[0]] += attr.index[1] + attr.index[2];
          return s;
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const Split from = split_at(in[0].shape, attr.index[0]);
          Real* to = out.data;
          for (std::size_t o = 0; o < from.outer; ++o) {
            to = std::fill_n(to, attr.index[1] * from.inner, Real(0));
            to = std::copy_n(in[0].data + o * from.n * from.inner, from.n * from.inner, to);
            to = std::fill_n(to, attr.index[2] * from.inner, Real(0));
          }
        },
    .vjp = [](const Vjp& c) -> Vars {
      const auto [axis, before, after, unused] = c.attr.index;
      return {slice(c.g, axis, before, before + c.in[0].shape()[axis])};
    },
};

}  // namespace

Var reshape(Var x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (const auto v = as_full(x); v && x.shape().size() == shape.size()) {
    return full(*x.tape, shape, *v);
  }
  return record(kReshape, {x}, {.shape = shape});
}

Var as_transposed(Var x) {
  const Node& node = x.tape->node(x.id);
  return node.op == &kTranspose ? Var{x.tape, node.in[0]} : Var{};
}

Var transpose(Var x) { return record(kTranspose, {x}); }

Var flipped(Var x) {
  const Var inner = as_transposed(x);
  return inner ? inner : transpose(x);
}

Var permute(Var x, const std::vector<std::size_t>& axes) {
  return record(kPermute, {x}, {.table = axes});
}

Var concat(const Vars& parts, std::size_t axis) {
  if (parts.empty()) throw std::invalid_argument("concat: no parts; need at least 1");
  return parts.size() == 1 ? parts[0] : record(kConcat, parts, {.index = {axis}});
}

Var slice(Var x, std::size_t axis, std::size_t begin, std::size_t end) {
  if (axis < x.shape().rank() && begin == 0 && end == x.shape()[axis]) return x;
  return record(kSlice, {x}, {.index = {axis, begin, end}});
}

Var pad(Var x, std::size_t axis, std::size_t before, std::size_t after) {
  if (before == 0 && after == 0) return x;
  return record(kPad, {x}, {.index = {axis, before, after}});
}

}  // namespace eqp::ad
