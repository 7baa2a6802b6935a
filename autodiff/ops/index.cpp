#include <stdexcept>

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

void check_index(const char* who, const std::vector<std::size_t>& index, std::size_t n) {
  for (std::size_t i : index) {
    if (i >= n) {
      throw std::invalid_argument(std::string(who) + ": index " + std::to_string(i) +
                                  " on an axis of extent " + std::to_string(n));
    }
  }
}

constexpr Op kGather{
    .name = "gather",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          Shape s = in[0].shape();
          check_axis("gather", s, attr.index[0]);
          check_index("gather", attr.table, s[attr.index[0]]);
          s[attr.index[0]] = attr.table.size();
          return s;
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          const Split s = split_at(in[0].shape, attr.index[0]);
          Real* to = out.data;
          for (std::size_t o = 0; o < s.outer; ++o) {
            for (std::size_t i : attr.table) {
              to = std::copy_n(in[0].data + (o * s.n + i) * s.inner, s.inner, to);
            }
          }
        },
    .vjp = [](const Vjp& c) -> Vars {
      const std::size_t axis = c.attr.index[0];
      return {scatter_add(c.g, axis, c.attr.table, c.in[0].shape()[axis])};
    },
};

constexpr Op kScatterAdd{
    .name = "scatter_add",
    .shape =
        [](std::span<const Var> in, const Attr& attr) {
          Shape s = in[0].shape();
          const std::size_t axis = attr.index[0], n = attr.index[1];
          check_axis("scatter_add", s, axis);
          check_index("scatter_add", attr.table, n);
          if (attr.table.size() != s[axis]) {
            throw std::invalid_argument("scatter_add: " + std::to_string(attr.table.size()) +
                                        " indices for axis " + std::to_string(axis) + " of " +
                                        str(s));
          }
          s[axis] = n;
          return s;
        },
    .forward =
        [](In in, Out out, const Attr& attr) {
          std::ranges::fill(out.flat(), Real(0));
          const Split s = split_at(out.shape, attr.index[0]);
          const Real* from = in[0].data;
          for (std::size_t o = 0; o < s.outer; ++o) {
            for (std::size_t i : attr.table) {
              Real* to = out.data + (o * s.n + i) * s.inner;
              for (std::size_t k = 0; k < s.inner; ++k) to[k] += *from++;
            }
          }
        },
    .vjp = [](const Vjp& c) -> Vars { return {gather(c.g, c.attr.index[0], c.attr.table)}; },
};

}  // namespace

Var gather(Var x, std::size_t axis, const std::vector<std::size_t>& index) {
  return record(kGather, {x}, {.index = {axis}, .table = index});
}

Var scatter_add(Var x, std::size_t axis, const std::vector<std::size_t>& index, std::size_t n) {
  return record(kScatterAdd, {x}, {.index = {axis, n}, .table = index});
}

}  // namespace eqp::ad
