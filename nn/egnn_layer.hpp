#pragma once

#include <string>

#include "nn/linear.hpp"
#include "nn/pairs.hpp"

namespace eqp::nn {

/// A layer of Egnn, with the networks that PyTorch calls `<name>.edge_mlp`, `node_mlp`, `coord_mlp`
/// and `att_mlp`. Features h are (n N, width), values of pairs (n N (N - 1), ...).
class EgnnLayer {
 public:
  EgnnLayer(ad::Params& params, const std::string& name, std::size_t width, ad::Key key);

  /// m_ij = e sigmoid(att_mlp(e)) with e = SiLU(edge_mlp([h_i, h_j, distances_ij])), of
  /// distances (pairs, 2) -> (pairs, width)
  ad::Var messages(ad::Var h, ad::Var distances, const Pairs& pairs) const;
  /// tanh(coord_mlp(m_ij)).  (pairs, width) -> (pairs, 1)
  ad::Var pull(ad::Var messages) const;
  /// h_i + node_mlp([h_i, m_i]) for the sums m_i of messages.
  ad::Var update(ad::Var h, ad::Var total) const;

 private:
  std::size_t width() const { return edge_out_.n_outputs(); }

  std::string name_;
  Linear edge_in_, edge_out_, node_in_, node_out_, coord_in_, coord_out_, attention_;
};

}  // namespace eqp::nn
