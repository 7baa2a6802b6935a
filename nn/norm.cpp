#include "nn/norm.hpp"

#include <algorithm>
#include <stdexcept>

namespace eqp::nn {
namespace {

ad::Param add(ad::Params& params, const std::string& name, std::size_t n, Real value) {
  return params.add(name, {n}, [=](std::span<Real> v) { std::ranges::fill(v, value); });
}

// The mean along the last axis, which stays.
ad::Var mean_of_rows(ad::Var x) {
  ad::Shape kept = x.shape();
  const std::size_t axis = kept.rank() - 1;
  kept[axis] = 1;
  return reshape(mean(x, axis), kept);
}

struct Parts {
  ad::Var centred, scale;
};

// The parts of (x - mean) / sqrt(variance + eps) along the last axis.
Parts standardised(ad::Var x, double eps) {
  const ad::Var centred = x - mean_of_rows(x);
  return {centred, 1.0 / sqrt(mean_of_rows(square(centred)) + eps)};
}

}  // namespace

GroupNorm::GroupNorm(ad::Params& params, std::string name, const GroupNormOptions& o)
    : name_(std::move(name)), options_(o) {
  if (o.groups == 0 || o.channels == 0 || o.channels % o.groups != 0) {
    throw std::invalid_argument("group_norm \"" + name_ + "\": " + std::to_string(o.channels) +
                                " channels in " + std::to_string(o.groups) +
                                " groups; need a multiple of the groups");
  }
  weight_ = add(params, name_ + ".weight", o.channels, 1);
  bias_ = add(params, name_ + ".bias", o.channels, 0);
}

ad::Var GroupNorm::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Shape& s = x.shape();
  const std::size_t g = options_.groups, c = options_.channels;
  if (s.rank() < 2 || s[1] != c) {
    throw std::invalid_argument("group_norm \"" + name_ + "\": x " + str(s) + "; need (n, " +
                                std::to_string(c) + ", ...)");
  }
  const std::size_t n = s[0];
  std::size_t plane = 1;
  for (std::size_t axis = 2; axis < s.rank(); ++axis) plane *= s[axis];
  const auto [centred, scale] = standardised(reshape(x, {n, g, c / g * plane}), options_.eps);
  // One number per channel multiplies the image, not one per group and another per channel.
  const ad::Var weight = scale * reshape(weight_.on(*x.tape), {g, c / g});
  const ad::Var bias = reshape(bias_.on(*x.tape), {c, 1});
  return reshape(reshape(centred, {n, c, plane}) * reshape(weight, {n, c, 1}) + bias, s);
}

LayerNorm::LayerNorm(ad::Params& params, std::string name, std::size_t width, double eps)
    : name_(std::move(name)), eps_(eps) {
  if (width == 0)
    throw std::invalid_argument("layer_norm \"" + name_ + "\": width 0; need at least 1");
  weight_ = add(params, name_ + ".weight", width, 1);
  bias_ = add(params, name_ + ".bias", width, 0);
}

ad::Var LayerNorm::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Shape& s = x.shape();
  if (s.rank() == 0 || s[s.rank() - 1] != weight_.shape[0]) {
    throw std::invalid_argument("layer_norm \"" + name_ + "\": x " + str(s) + "; need (..., " +
                                std::to_string(weight_.shape[0]) + ")");
  }
  const auto [centred, scale] = standardised(x, eps_);
  return centred * scale * weight_.on(*x.tape) + bias_.on(*x.tape);
}

}  // namespace eqp::nn
