#include "nn/linear.hpp"

#include <stdexcept>

namespace eqp::nn {

Linear::Linear(ad::Params& params, std::string name, const Fan& fan, ad::Key key, const Init& init)
    : name_(std::move(name)) {
  if (fan.in == 0 || fan.out == 0) {
    throw std::invalid_argument("linear \"" + name_ + "\": " + std::to_string(fan.in) +
                                " inputs and " + std::to_string(fan.out) +
                                " outputs; need at least 1 of each");
  }
  // Each array has a key of its own, so that neither's values depend on the other's size.
  const auto add = [&](const char* suffix, const ad::Shape& shape, const Fill& fill,
                       std::uint32_t child) {
    ad::Draws draws(key.fork(child));
    return params.add(name_ + suffix, shape,
                      [&](std::span<Real> values) { fill(values, fan, draws); });
  };
  weight_ = add(".weight", {fan.out, fan.in}, init.weight, 0);
  bias_ = add(".bias", {fan.out}, init.bias, 1);
}

ad::Var Linear::operator()(ad::Var x) const {
  return (*this)(x, {0, n_inputs()}, {0, n_outputs()});
}

ad::Var Linear::operator()(ad::Var x, const Columns& in, const Columns& out) const {
  const ad::Scope scope(*x.tape, name_);
  // What depends on parameters only runs once per update, so slices cost nothing.
  const ad::Var weight =
      slice(slice(weight_.on(*x.tape), 0, out.begin, out.end), 1, in.begin, in.end);
  return affine(x, weight, slice(bias_.on(*x.tape), 0, out.begin, out.end), {.b = true});
}

}  // namespace eqp::nn
