#pragma once

#include <string>

#include "autodiff/ops.hpp"
#include "nn/arrays.hpp"

// Convolutions with parameters: names, layouts, meaning and first values of PyTorch's modules.
namespace eqp::nn {

struct Conv2dOptions {
  std::size_t in = 1, out = 1;  // channels
  ad::Pair kernel = 1, stride = 1, padding = 0;
  /// A layer whose bias nothing fills has none.
  Init init = torch_linear();
};

/// torch.nn.Conv2d: `<name>.weight` (out, in, kh, kw) and `<name>.bias` (out).
class Conv2d {
 public:
  /// Adds its parameters, filled from `key`. Throws std::invalid_argument when a number of
  /// channels, the kernel or the stride is 0.
  Conv2d(ad::Params& params, std::string name, const Conv2dOptions& options, ad::Key key);

  const std::string& name() const { return name_; }

  /// x (n, in, h, w) -> (n, out, (h + 2 padding - kh) / stride + 1, ...), rounded down
  ad::Var operator()(ad::Var x) const;

 private:
  std::string name_;
  Arrays arrays_;
  ad::Conv2dOptions options_;
};

struct ConvTranspose2dOptions {
  std::size_t in = 1, out = 1;  // channels
  ad::Pair kernel = 1, stride = 1, padding = 0;
  /// Rows and columns more; below stride.
  ad::Pair output_padding = 0;
  /// As PyTorch does, it gets out kh kw for the number of inputs, whatever the stride.
  Init init = torch_linear();
};

/// torch.nn.ConvTranspose2d: `<name>.weight` (in, out, kh, kw) and `<name>.bias` (out).
class ConvTranspose2d {
 public:
  /// Adds its parameters, filled from `key`. Throws std::invalid_argument when a number of
  /// channels, the kernel or the stride is 0.
  ConvTranspose2d(ad::Params& params, std::string name, const ConvTranspose2dOptions& options,
                  ad::Key key);

  const std::string& name() const { return name_; }

  /// x (n, in, h, w) -> (n, out, (h - 1) stride - 2 padding + kh + output_padding, ...)
  ad::Var operator()(ad::Var x) const;

 private:
  std::string name_;
  Arrays arrays_;
  ad::ConvTranspose2dOptions options_;
};

}  // namespace eqp::nn
