#pragma once

#include <functional>
#include <span>

#include "autodiff/random.hpp"

// How a linear layer's weights and biases begin.
namespace eqp::nn {

/// Numbers of inputs and outputs of the layer to fill.
struct Fan {
  std::size_t in = 0, out = 0;
};

/// Writes one array's first values from draws that belong to it alone.
using Fill = std::function<void(std::span<Real> values, const Fan& fan, ad::Draws& draws)>;

/// An initialiser: what fills the weight and what fills the bias. A layer whose bias nothing fills
/// has none.
struct Init {
  Fill weight, bias;
};

/// PyTorch's default of torch.nn.Linear: weight and bias uniform on +-gain / sqrt(fan in).
Init torch_linear(double gain = 1);
/// Weight uniform on +-gain sqrt(6 / (fan in + fan out)), bias 0 (Glorot & Bengio 2010, eq. 16).
Init glorot_uniform(double gain = 1);
/// Weight normal with variance 2 / (fan in + fan out), bias 0 (Glorot & Bengio 2010, eq. 12).
Init glorot_normal();
/// Weight normal with standard deviation `std`, bias 0.
Init normal(double std);
/// Weight normal with standard deviation gain / sqrt(fan in), bias 0.
Init fan_in_normal(double gain);
/// All zeros: as a last layer it makes the network 0 until it is trained.
Init zeros();
/// The same weight, for a layer without a bias.
Init without_bias(const Init& init);

}  // namespace eqp::nn
