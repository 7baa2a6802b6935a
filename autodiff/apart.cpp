#include "autodiff/apart.hpp"

#include "autodiff/ops/kernel.hpp"

namespace eqp::ad {
namespace {

bool keeps(const Attr& attr) { return attr.index[1] != 0; }

constexpr Op kApart{
    .name = "apart",
    .shape = same_shape,
    .vjp = [](const Vjp& c) -> Vars { return {c.g}; },
    .simplify = [](const Rewriting& r) { return keeps(r.node.attr) ? Var{} : r.in[0]; },
    .elementwise = true,
    .view = whole,
};

}  // namespace

Var apart(Var x, std::size_t copy, Apart until) {
  return record(kApart, {x}, {.index = {copy, std::size_t(until == Apart::always)}});
}

Var behind(Var x, std::size_t copy) {
  const Node& node = x.tape->node(x.id);
  const bool is_copy = node.op == &kApart && node.attr.index[0] == copy && !keeps(node.attr);
  return is_copy ? Var{x.tape, node.in[0]} : x;
}

}  // namespace eqp::ad
