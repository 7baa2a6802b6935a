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

struct Arrays {
  ad::Param weight, bias;
};

// Each array has a key of its own, so that neither's values depend on the other's size. PyTorch
// takes the second axis of a weight for the inputs.
Arrays add(ad::Params& params, const std::string& name, const ad::Shape& weight, std::size_t out,
           const Init& init, ad::Key key) {
  const std::size_t taps = weight[2] * weight[3];
  const Fan fan{.in = weight[1] * taps, .out = weight[0] * taps};
  const auto add_one = [&](const char* suffix, const ad::Shape& shape, const Fill& fill,
                           std::uint32_t child) {
    ad::Draws draws(key.fork(child));
    return params.add(name + suffix, shape,
                      [&](std::span<Real> values) { fill(values, fan, draws); });
  };
  Arrays arrays{.weight = add_one(".weight", weight, init.weight, 0)};
  if (init.bias) arrays.bias = add_one(".bias", {out}, init.bias, 1);
  return arrays;
}

}  // namespace

Conv2d::Conv2d(ad::Params& params, std::string name, const Conv2dOptions& o, ad::Key key)
    : name_(std::move(name)), options_{.stride = o.stride, .padding = o.padding} {
  check("conv2d", name_, o);
  const auto [weight, bias] =
      add(params, name_, {o.out, o.in, o.kernel.height, o.kernel.width}, o.out, o.init, key);
  weight_ = weight;
  bias_ = bias;
}

ad::Var Conv2d::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Var weight = weight_.on(*x.tape);
  return bias_.params ? conv2d(x, weight, bias_.on(*x.tape), options_)
                      : conv2d(x, weight, options_);
}

ConvTranspose2d::ConvTranspose2d(ad::Params& params, std::string name,
                                 const ConvTranspose2dOptions& o, ad::Key key)
    : name_(std::move(name)),
      options_{.stride = o.stride, .padding = o.padding, .output_padding = o.output_padding} {
  check("conv_transpose2d", name_, o);
  const auto [weight, bias] =
      add(params, name_, {o.in, o.out, o.kernel.height, o.kernel.width}, o.out, o.init, key);
  weight_ = weight;
  bias_ = bias;
}

ad::Var ConvTranspose2d::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Var weight = weight_.on(*x.tape);
  return bias_.params ? conv_transpose2d(x, weight, bias_.on(*x.tape), options_)
                      : conv_transpose2d(x, weight, options_);
}

}  // namespace eqp::nn
