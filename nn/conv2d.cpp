#include "nn/conv2d.hpp"

#include <stdexcept>

namespace eqp::nn {
namespace {

// Written for either options.
template <class Options>
void check(const char* who, const std::string& name, const Options& o) {
  const auto some = [](const ad::Pair& p) { return p.height > 0 && p.width > 0; };
  if (o.in > 0 && o.out > 0 && some(o.kernel) && some(o.stride)) return;
  throw std::invalid_argument(std::string(who) + " \"" + name + "\": " + std::to_string(o.in) +
                              " to " + std::to_string(o.out) + " channels, kernel " +
                              str(o.kernel) + ", stride " + str(o.stride) +
                              "; need at least 1 of each");
}

// PyTorch takes the second axis of a weight for the inputs.
Fan fan_of(const ad::Shape& weight) {
  const std::size_t taps = weight[2] * weight[3];
  return {.in = weight[1] * taps, .out = weight[0] * taps};
}

}  // namespace

Conv2d::Conv2d(ad::Params& params, std::string name, const Conv2dOptions& o, ad::Key key)
    : name_(std::move(name)), options_{.stride = o.stride, .padding = o.padding} {
  check("conv2d", name_, o);
  const ad::Shape weight{o.out, o.in, o.kernel.height, o.kernel.width};
  arrays_ = add_arrays(params, name_, weight, o.out, fan_of(weight), o.init, key);
}

ad::Var Conv2d::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Var weight = arrays_.weight.on(*x.tape);
  return arrays_.bias.params ? conv2d(x, weight, arrays_.bias.on(*x.tape), options_)
                             : conv2d(x, weight, options_);
}

ConvTranspose2d::ConvTranspose2d(ad::Params& params, std::string name,
                                 const ConvTranspose2dOptions& o, ad::Key key)
    : name_(std::move(name)),
      options_{.stride = o.stride, .padding = o.padding, .output_padding = o.output_padding} {
  check("conv_transpose2d", name_, o);
  const ad::Shape weight{o.in, o.out, o.kernel.height, o.kernel.width};
  arrays_ = add_arrays(params, name_, weight, o.out, fan_of(weight), o.init, key);
}

ad::Var ConvTranspose2d::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Var weight = arrays_.weight.on(*x.tape);
  return arrays_.bias.params ? conv_transpose2d(x, weight, arrays_.bias.on(*x.tape), options_)
                             : conv_transpose2d(x, weight, options_);
}

}  // namespace eqp::nn
