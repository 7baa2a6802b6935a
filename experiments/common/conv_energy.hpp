#pragma once

#include <optional>
#include <vector>

#include "nn/conv2d.hpp"
#include "nn/linear.hpp"

namespace eqp {

struct ConvEnergyOptions {
  std::size_t side = 28;
  std::vector<std::size_t> channels = {32, 64, 64};
};

/// An energy of square grey images: convolutions 4x4 of stride 2, each of which halves the image
/// (rounding down) and ends in SiLU, then a weighted sum of what is left. Parameters are
/// `conv.<k>.weight`, `conv.<k>.bias`, `readout.weight`, `readout.bias`.
class ConvEnergy {
 public:
  /// Throws std::invalid_argument unless the image is at least 2^layers wide.
  ConvEnergy(ad::Params& params, const ConvEnergyOptions& options, ad::Key key);

  /// x (n, side * side) -> (n)
  ad::Var operator()(ad::Var x) const;

 private:
  std::size_t side_;
  std::vector<nn::Conv2d> layers_;
  std::optional<nn::Linear> readout_;
};

}  // namespace eqp
