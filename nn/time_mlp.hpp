#pragma once

#include "nn/mlp.hpp"

namespace eqp::nn {

struct TimeMlpSizes {
  std::size_t inputs = 1, width = 128, outputs = 1;
};

struct TimeMlpOptions {
  /// Residual blocks: the published number of layers, less 2.
  std::size_t blocks = 2;
  Activation activation = ad::gelu;
  /// Of the last layer. The default starts the network at 1e-6 of a value.
  Init last = torch_linear(1e-6);
};

/// A residual perceptron that sees the time in every block (OuYang, Grenioux & Hernandez-Lobato
/// 2026, the networks of their energies): with e = sinusoidal_embedding(t, width),
///   z = W_in x + b_in + e,
///   y = e + W_1 act(z) + b_1,   z <- z + W_2 act(y) + b_2   per block,
///   out = W_out act(z) + b_out.
///
/// Parameters have the published names: `<name>.input_embed`, `<name>.layers.<k>` (W_1),
/// `<name>.layers_post_time_skip.<k>` (W_2) and `<name>.out_layer`.
class TimeMlp {
 public:
  /// Throws std::invalid_argument when inputs or outputs are 0, or width is odd or 0.
  TimeMlp(ad::Params& params, const std::string& name, const TimeMlpSizes& sizes, ad::Key key,
          const TimeMlpOptions& options = {});

  std::size_t n_inputs() const { return input_.n_inputs(); }
  std::size_t n_outputs() const { return output_.n_outputs(); }

  /// t (n) or (n, 1), x (n, inputs) -> (n, outputs)
  ad::Var operator()(ad::Var t, ad::Var x) const;

 private:
  struct Block {
    Linear first, second;
  };

  std::string name_;
  Linear input_;
  std::vector<Block> blocks_;
  Linear output_;
  Activation activation_;
};

}  // namespace eqp::nn
