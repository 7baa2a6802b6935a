#pragma once

#include <string>

#include "autodiff/ops.hpp"
#include "autodiff/params.hpp"
#include "nn/init.hpp"

namespace eqp::nn {

/// Columns [begin, end) of a batch.
struct Columns {
  std::size_t begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
  bool operator==(const Columns&) const = default;
};

/// y = x W^T + b with the names and the layout of torch.nn.Linear: `<name>.weight` (out, in) and
/// `<name>.bias` (out). It holds names only; the values live in the Params.
class Linear {
 public:
  /// Adds its two parameters, filled from `key`. Throws std::invalid_argument when a width is 0.
  Linear(ad::Params& params, std::string name, const Fan& fan, ad::Key key,
         const Init& init = torch_linear());

  const std::string& name() const { return name_; }
  std::size_t n_inputs() const { return weight_.shape[1]; }
  std::size_t n_outputs() const { return weight_.shape[0]; }

  /// x (n, in) -> (n, out). Errors inside are reported "in <name>".
  ad::Var operator()(ad::Var x) const;
  /// Columns `out` of the layer's value on an input that is x in columns `in` and 0 elsewhere.
  /// x (n, in.size()) -> (n, out.size()). Costs no more than a layer of that size.
  ad::Var operator()(ad::Var x, const Columns& in, const Columns& out) const;

 private:
  std::string name_;
  ad::Param weight_, bias_;
};

}  // namespace eqp::nn
