#pragma once

#include "nn/mlp.hpp"

namespace eqp::nn {

/// How the values of a set's elements become one.
enum class Pool { sum, mean };

struct DeepSetsOptions {
  Pool pool = Pool::sum;
  /// Of the two networks.
  MlpOptions phi = {}, rho = {};
};

/// A function of a set: rho(pool_i phi(x_i)), unchanged when the elements change places (Zaheer et
/// al. 2017, theorem 2). Sets may have any number of elements.
///
/// Parameters: those of the perceptrons `<name>.phi` and `<name>.rho`.
class DeepSets {
 public:
  /// phi: widths from an element's features to its value; rho: widths from that value to the
  /// output. Throws std::invalid_argument unless each is a perceptron's and rho begins as phi ends.
  DeepSets(ad::Params& params, const std::string& name, const std::vector<std::size_t>& phi,
           const std::vector<std::size_t>& rho, Activation activation, ad::Key key,
           const DeepSetsOptions& options = {});

  std::size_t n_features() const { return phi_.n_inputs(); }
  std::size_t n_outputs() const { return rho_.n_outputs(); }

  /// x (n, N, features) or (n, N features) -> (n, outputs). Throws std::invalid_argument for
  /// another shape or empty sets.
  ad::Var operator()(ad::Var x) const;

 private:
  std::string name_;
  Mlp phi_, rho_;
  Pool pool_;
};

}  // namespace eqp::nn
