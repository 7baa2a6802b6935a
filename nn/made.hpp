#pragma once

#include <string>
#include <vector>

#include "nn/mlp.hpp"

namespace eqp::nn {

struct MadeOptions {
  std::vector<std::size_t> hidden = {64, 64};
  Activation activation = ad::relu;
  /// Columns of a context, which every output depends on; 0: none.
  std::size_t context_dim = 0;
  Init init = torch_linear();
  /// Of the last layer.
  Init last = zeros();
};

/// A masked autoregressive network (Germain et al. 2015, "MADE"): P outputs for each of d
/// coordinates, those of coordinate j being functions of coordinates 0 ... j - 1 and the context.
///
/// Parameters are named as an Mlp's, inputs being context, then coordinates; weights at masked
/// places have no effect and get gradient 0. Hidden units are sorted by how many coordinates they
/// see, so that a mask leaves the leading part of every row.
class Made {
 public:
  Made(ad::Params& params, const std::string& name, std::size_t dim, std::size_t n_params,
       const MadeOptions& options, ad::Key key);

  std::size_t dim() const { return dim_; }
  std::size_t n_params() const { return n_params_; }

  /// x (n, d), context (n, c) -> (P d, n): row p d + j is output p of coordinate j.
  ad::Var operator()(ad::Var x, ad::Var context = {}) const;

  /// The same, one coordinate after the other: every hidden unit is computed once, as soon as what
  /// it sees is there, so that all d steps together cost no more operations than one pass.
  class Sweep {
   public:
    /// context (n, c), or empty if the network takes none.
    Sweep(const Made& net, ad::Tape& tape, std::size_t n, ad::Var context);
    /// Outputs of the next coordinate, (P, n).
    ad::Var outputs() const;
    /// Gives that coordinate, (n). Throws std::logic_error after the last.
    void set(ad::Var x);

   private:
    ad::Var layer_inputs(std::size_t layer) const;
    void compute_hidden();

    const Made& net_;
    ad::Tape& tape_;
    std::size_t n_, next_ = 0;
    ad::Var inputs_;               // context and coordinates so far, (c + next, n)
    std::vector<ad::Var> hidden_;  // units so far of each layer, (units, n)
  };

 private:
  // Row o of the weight uses the first visible[o] inputs.
  struct Layer {
    std::string name;
    ad::Param weight, bias;
    std::vector<std::size_t> visible;

    ad::Var masked_weight(ad::Tape& tape) const;
  };
  // How many units of hidden layer `layer` see no more than `degree` coordinates.
  std::size_t units_up_to(std::size_t layer, std::size_t degree) const;

  std::string name_;
  std::size_t dim_, n_params_, context_dim_;
  Activation activation_;
  std::vector<std::vector<std::size_t>> degrees_;  // of the units of each hidden layer, sorted
  std::vector<Layer> layers_;
};

}  // namespace eqp::nn
