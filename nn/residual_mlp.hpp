#pragma once

#include "nn/mlp.hpp"

namespace eqp::nn {

struct ResidualMlpSizes {
  std::size_t inputs = 1, width = 64, blocks = 2, outputs = 1;
};

/// A perceptron with skips, activation first (He et al. 2016, "Identity mappings in deep residual
/// networks", fig. 4e without normalisation):
///   h = W_in x + b_in,   h <- h + W_2 act(W_1 act(h) + b_1) + b_2 per block,
///   out = W_out act(h) + b_out.
/// Without blocks it is the perceptron with one hidden layer.
///
/// Parameters: `<name>.input`, `<name>.blocks.<k>.1` and `.3`, which a torch.nn.Sequential of
/// activation, linear, activation, linear calls them, and `<name>.output`.
class ResidualMlp {
 public:
  /// Throws std::invalid_argument when inputs, width or outputs are 0.
  ResidualMlp(ad::Params& params, const std::string& name, const ResidualMlpSizes& sizes,
              Activation activation, ad::Key key, const MlpOptions& options = {});

  std::size_t n_inputs() const { return input_.n_inputs(); }
  std::size_t n_outputs() const { return output_.n_outputs(); }

  /// x (n, inputs) -> (n, outputs)
  ad::Var operator()(ad::Var x) const;

 private:
  struct Block {
    std::string name;
    Linear first, second;
  };

  std::string name_;
  Linear input_;
  std::vector<Block> blocks_;
  Linear output_;
  Activation activation_;
};

}  // namespace eqp::nn
