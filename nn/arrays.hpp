#pragma once

#include <string>

#include "autodiff/params.hpp"
#include "nn/init.hpp"

namespace eqp::nn {

/// What a layer multiplies by and what it adds; a layer without a bias leaves the latter empty.
struct Arrays {
  ad::Param weight, bias;
};

/// Adds `<name>.weight` of this shape and `<name>.bias` (n_outputs), filled from `key`.
Arrays add_arrays(ad::Params& params, const std::string& name, const ad::Shape& weight_shape,
                  std::size_t n_outputs, const Fan& fan, const Init& init, ad::Key key);

}  // namespace eqp::nn
