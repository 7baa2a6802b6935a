#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nn/linear.hpp"

namespace eqp::nn {

/// An elementwise function between layers: ad::silu, ad::tanh, or a lambda.
using Activation = std::function<ad::Var(ad::Var)>;

struct MlpOptions {
  Init init = torch_linear();
  /// Of the last layer; `init` when empty. zeros() makes the network start at 0.
  std::optional<Init> last = std::nullopt;
  /// Of every layer's weight.
  WeightMap map = {};
};

/// A multilayer perceptron: linear layers with an activation between them, none after the last.
///
/// Parameters are named as by torch.nn.Sequential, where activations take the odd positions:
/// `<name>.0.weight`, `<name>.0.bias`, `<name>.2.weight`, ...  First values are a function of the
/// key and of a layer's position only. Recording changes nothing, so threads may share it.
class Mlp {
 public:
  /// widths: inputs, hidden layers, outputs. Throws std::invalid_argument unless there are at least
  /// two, none of them 0.
  Mlp(ad::Params& params, const std::string& name, const std::vector<std::size_t>& widths,
      Activation activation, ad::Key key, const MlpOptions& options = {});

  std::size_t n_inputs() const { return layers_.front().n_inputs(); }
  std::size_t n_outputs() const { return layers_.back().n_outputs(); }

  /// x (n, inputs) -> (n, outputs)
  ad::Var operator()(ad::Var x) const;
  /// Columns `out` of the value on an input that is x in columns `in` and 0 elsewhere.
  /// x (n, in.size()) -> (n, out.size()). Costs no more than a network of that size.
  ad::Var operator()(ad::Var x, const Columns& in, const Columns& out) const;
  /// The network's value with a column per row of x, (outputs, n): what reads outputs one by one
  /// finds each in one place.
  ad::Var transposed(ad::Var x) const;

 private:
  // What the last layer gets.
  ad::Var hidden(ad::Var x, const Columns& in) const;

  std::string name_;
  std::vector<Linear> layers_;
  Activation activation_;
};

}  // namespace eqp::nn
