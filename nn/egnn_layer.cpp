#include "nn/egnn_layer.hpp"

namespace eqp::nn {

EgnnLayer::EgnnLayer(ad::Params& params, const std::string& name, std::size_t width, ad::Key key)
    : name_(name),
      edge_in_(params, name + ".edge_mlp.0", {2 * width + 2, width}, key.fork(0)),
      edge_out_(params, name + ".edge_mlp.2", {width, width}, key.fork(1)),
      node_in_(params, name + ".node_mlp.0", {2 * width, width}, key.fork(2)),
      node_out_(params, name + ".node_mlp.2", {width, width}, key.fork(3)),
      coord_in_(params, name + ".coord_mlp.0", {width, width}, key.fork(4)),
      coord_out_(params, name + ".coord_mlp.2", {width, 1}, key.fork(5),
                 without_bias(glorot_uniform(1e-3))),
      attention_(params, name + ".att_mlp.0", {width, 1}, key.fork(6)) {}

ad::Var EgnnLayer::messages(ad::Var h, ad::Var distances, const Pairs& pairs) const {
  const ad::Scope scope(*h.tape, name_);
  const std::size_t w = width(), n = h.shape()[0] / pairs.particles();
  // W [h_i, h_j, ...] as W_i h_i + W_j h_j + ...: products of N rows, not of N (N - 1).
  const auto rows = [&](ad::Var v) { return reshape(v, {n, pairs.particles(), w}); };
  const ad::Var of_i = pairs.first(rows(edge_in_(h, {0, w}, {0, w})), 1);
  const ad::Var of_j = pairs.second(rows(edge_in_.product(h, {w, 2 * w})), 1);
  const ad::Var ends = reshape(of_i + of_j, {n * pairs.size(), w});
  const ad::Var inner = silu(ends + edge_in_.product(distances, {2 * w, 2 * w + 2}));
  const ad::Var e = silu(edge_out_(inner));
  return e * sigmoid(attention_(e));
}

ad::Var EgnnLayer::pull(ad::Var messages) const {
  const ad::Scope scope(*messages.tape, name_);
  return tanh(coord_out_(silu(coord_in_(messages))));
}

ad::Var EgnnLayer::update(ad::Var h, ad::Var total) const {
  const ad::Scope scope(*h.tape, name_);
  const std::size_t w = width();
  const ad::Var inner = node_in_(h, {0, w}, {0, w}) + node_in_.product(total, {w, 2 * w});
  return h + node_out_(silu(inner));
}

}  // namespace eqp::nn
