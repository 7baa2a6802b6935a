#pragma once

#include <functional>
#include <string>

#include "autodiff/ops.hpp"
#include "nn/arrays.hpp"

namespace eqp::nn {

/// Columns [begin, end) of a batch.
struct Columns {
  std::size_t begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
  bool operator==(const Columns&) const = default;
};

/// What a layer multiplies by, as a function of its weight: (out, in) -> (out, in). Examples in
/// nn/spectral_norm.hpp.
using WeightMap = std::function<ad::Var(ad::Var weight)>;

/// y = x W^T + b with the names and the layout of torch.nn.Linear: `<name>.weight` (out, in) and
/// `<name>.bias` (out). It holds names only; the values live in the Params.
class Linear {
 public:
  /// Adds its parameters, filled from `key`; W is `map` of the weight, or the weight itself.
  /// Throws std::invalid_argument when a width is 0.
  Linear(ad::Params& params, std::string name, const Fan& fan, ad::Key key,
         const Init& init = torch_linear(), WeightMap map = {});

  const std::string& name() const { return name_; }
  std::size_t n_inputs() const { return arrays_.weight.shape[1]; }
  std::size_t n_outputs() const { return arrays_.weight.shape[0]; }
  const ad::Param& weight() const { return arrays_.weight; }
  const ad::Param& bias() const { return arrays_.bias; }

  /// x (n, in) -> (n, out). Errors inside are reported "in <name>".
  ad::Var operator()(ad::Var x) const;
  /// Columns `out` of the layer's value on an input that is x in columns `in` and 0 elsewhere.
  /// x (n, in.size()) -> (n, out.size()). Costs no more than a layer of that size.
  ad::Var operator()(ad::Var x, const Columns& in, const Columns& out) const;
  /// The layer's value with a column per row of x, (out, n).
  ad::Var transposed(ad::Var x) const;
  /// What columns `in` of an input add to the layer's value: their product, without the bias.
  /// x (n, in.size()) -> (n, out)
  ad::Var product(ad::Var x, const Columns& in) const;

 private:
  // Rows `out` and columns `in` of W.
  ad::Var weight(ad::Tape& tape, const Columns& in, const Columns& out) const;

  std::string name_;
  Arrays arrays_;
  WeightMap map_;
};

}  // namespace eqp::nn
