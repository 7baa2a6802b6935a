#pragma once

#include <string>

#include "autodiff/ops.hpp"
#include "autodiff/params.hpp"

// Normalisations that treat every row by itself, so that rows stay independent. The variance is the
// mean square of what is left when the mean is taken away, which does not cancel.
namespace eqp::nn {

struct GroupNormOptions {
  std::size_t groups = 1, channels = 1;
  double eps = 1e-5;
};

/// (x - mean) / sqrt(variance + eps) over each group of channels of a row, times a weight and plus
/// a bias per channel (Wu & He 2018), with the names of torch.nn.GroupNorm: `<name>.weight`
/// (channels), which begins as 1, and `<name>.bias` (channels), which begins as 0.
class GroupNorm {
 public:
  /// Throws std::invalid_argument unless the groups, at least one, share the channels evenly.
  GroupNorm(ad::Params& params, std::string name, const GroupNormOptions& options);

  const std::string& name() const { return name_; }

  /// x (n, channels, ...) -> the same shape
  ad::Var operator()(ad::Var x) const;

 private:
  std::string name_;
  GroupNormOptions options_;
  ad::Param weight_, bias_;
};

/// The same over the last axis (Ba, Kiros & Hinton 2016), with the names of torch.nn.LayerNorm:
/// `<name>.weight` (width) and `<name>.bias` (width).
class LayerNorm {
 public:
  /// Throws std::invalid_argument when the width is 0.
  LayerNorm(ad::Params& params, std::string name, std::size_t width, double eps = 1e-5);

  const std::string& name() const { return name_; }

  /// x (..., width) -> the same shape
  ad::Var operator()(ad::Var x) const;

 private:
  std::string name_;
  double eps_;
  ad::Param weight_, bias_;
};

}  // namespace eqp::nn
