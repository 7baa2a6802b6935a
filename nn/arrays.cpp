#include "nn/arrays.hpp"

namespace eqp::nn {

Arrays add_arrays(ad::Params& params, const std::string& name, const ad::Shape& weight_shape,
                  std::size_t n_outputs, const Fan& fan, const Init& init, ad::Key key) {
  // Each array has a key of its own, so that neither's values depend on the other's size.
  const auto add = [&](const char* suffix, const ad::Shape& shape, const Fill& fill,
                       std::uint32_t child) {
    ad::Draws draws(key.fork(child));
    return params.add(name + suffix, shape,
                      [&](std::span<Real> values) { fill(values, fan, draws); });
  };
  Arrays arrays{.weight = add(".weight", weight_shape, init.weight, 0)};
  if (init.bias) arrays.bias = add(".bias", {n_outputs}, init.bias, 1);
  return arrays;
}

}  // namespace eqp::nn
