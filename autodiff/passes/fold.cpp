#include <algorithm>
#include <cmath>

#include "autodiff/passes/passes.hpp"

namespace eqp::ad {
namespace {

// The value of an op whose inputs are constants.
Tensor value(const Rewriting& r) {
  std::vector<ConstView> in;
  for (Var v : r.in) {
    const Node& node = r.tape.node(v.id);
    in.push_back({node.value->view().data, node.shape});
  }
  Tensor out(r.node.shape);
  if (const Op& op = *r.node.op; op.view && op.view(in[0].shape, r.node.attr)) {
    std::copy_n(in[0].data + *op.view(in[0].shape, r.node.attr), out.size(), out.view().data);
  } else {
    r.node.op->forward(in, out, r.node.attr);
  }
  return out;
}

}  // namespace

Graph fold_constants(const Graph& graph) {
  return rewrite(graph, [](const Rewriting& r) {
    const auto constant = [&](Var v) { return r.tape.node(v.id).op == &kConstant; };
    if (!std::ranges::all_of(r.in, constant)) return Var{};
    Tensor result = value(r);
    // A bad value stays an op, which a checked run can name.
    const bool finite = std::ranges::all_of(result.flat(), [](Real v) { return std::isfinite(v); });
    return finite ? r.tape.constant(std::move(result)) : Var{};
  });
}

}  // namespace eqp::ad
