#include "experiments/common/conv_energy.hpp"

#include <stdexcept>
#include <string>

namespace eqp {

ConvEnergy::ConvEnergy(ad::Params& params, const ConvEnergyOptions& options, ad::Key key)
    : side_(options.side) {
  std::size_t in = 1, left = side_;
  for (const std::size_t out : options.channels) {
    const auto k = std::uint32_t(layers_.size());
    layers_.emplace_back(
        params, "conv." + std::to_string(k),
        nn::Conv2dOptions{.in = in, .out = out, .kernel = 4, .stride = 2, .padding = 1},
        key.fork(k));
    in = out, left /= 2;
  }
  if (left == 0) {
    throw std::invalid_argument("conv_energy: images of side " + std::to_string(side_) +
                                "; need at least " + std::to_string(1u << layers_.size()) +
                                " for " + std::to_string(layers_.size()) + " layers");
  }
  readout_.emplace(params, "readout", nn::Fan{in * left * left, 1},
                   key.fork(std::uint32_t(layers_.size())));
}

ad::Var ConvEnergy::operator()(ad::Var x) const {
  const std::size_t n = x.shape()[0];
  ad::Var h = reshape(x, {n, 1, side_, side_});
  for (const nn::Conv2d& layer : layers_) h = silu(layer(h));
  return sum((*readout_)(reshape(h, {n, h.shape().size() / n})), 1);
}

}  // namespace eqp
